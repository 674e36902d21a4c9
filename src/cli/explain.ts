import { lookup } from 'node:dns/promises';
import { neighboursAt, parseAsker } from '../explain/asker.ts';
import { explain as evaluate } from '../explain/explain.ts';
import type { Asker, Moment } from '../explain/model.ts';
import { parseTarget } from '../explain/target.ts';
import { ownAddresses } from '../host/read-host.ts';
import { readInventory } from '../inventory/read-inventory.ts';
import { familyOf } from '../net/network.ts';
import { parseNetworks } from '../net/parse-networks.ts';
import { plan } from '../reconciler/pass.ts';
import { type Context, openParts, requireConfig } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';
import { explanationText } from './explanation-text.ts';
import { harmless } from './text.ts';

/**
 * `dockwall explain SOURCE TARGET`: whether that source gets in there, what decides it, and whether the kernel agrees. Writes
 * nothing. 0 when the question was answered, whatever the answer; 2 for a source or a target that cannot be read.
 */
export async function explain(
  context: Context,
  {
    source,
    target,
    json,
  }: { readonly source: string; readonly target: string; readonly json?: boolean | undefined },
): Promise<ExitCode> {
  const parsed = parseAsker(source);
  // before Docker and the kernel are asked: a slip of the pen is told at once
  if (!parsed.ok) throw new UserError(exitCodes.bad, parsed.problem);
  const moment = await look(context);
  const goal = parseTarget(target, moment);
  if (!goal.ok) throw new UserError(exitCodes.bad, goal.problem);
  const askers = await askersOf(parsed.word, moment);
  const explanation = evaluate(moment, { askers, target: goal.target });
  context.print(
    json === true
      ? JSON.stringify({ source: harmless(source), target: harmless(target), ...explanation }, undefined, 2)
      : explanationText(explanation),
  );
  return exitCodes.ok;
}

async function look(context: Context): Promise<Moment> {
  const config = await requireConfig(context);
  const { policy, ruleset, observed, from } = await plan(await openParts(context, config));
  const inventory = readInventory(from.snapshot, from.host);
  return { policy, inventory, own: ownAddresses(), kernel: { ruleset, observed } };
}

async function askersOf(
  word: Extract<ReturnType<typeof parseAsker>, { ok: true }>['word'],
  moment: Moment,
): Promise<readonly Asker[]> {
  switch (word.kind) {
    case 'address':
      return [{ address: word.address, interface: word.interface, name: undefined }];
    case 'name': {
      const addresses = await addressesOf(word.name, moment);
      return addresses.map((address) => ({ address, interface: undefined, name: word.name }));
    }
    case 'interface': {
      const askers = neighboursAt(word.name, moment);
      if (askers.length > 0) return askers;
      throw new UserError(
        exitCodes.bad,
        `the interface ${harmless(word.name)} is in no network here: write an address that comes in by it, such as 10.8.0.2%${harmless(word.name)}`,
      );
    }
  }
}

/** A resolver that does not answer takes longer; then it is of no use either, ms. */
const longestLookup = 5000;

/** As this host resolves the name now. */
async function addressesOf(name: string, { policy }: Moment): Promise<readonly string[]> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('no answer in time')), longestLookup);
  try {
    const found = await Promise.race([lookup(name, { all: true, order: 'verbatim' }), late.promise]);
    const addresses = found.flatMap(({ address }) => {
      const parsed = parseNetworks(address);
      return parsed.ok ? parsed.networks : [];
    });
    // resolvers turn their answers round and round
    return [...new Set(addresses)].toSorted((a, b) => familyOf(a) - familyOf(b) || (a < b ? -1 : 1));
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? (cause as Error).message;
    const services = policy.services
      .filter(({ ports }) =>
        ports.some(({ reach }) =>
          reach.allow.some(({ peer }) => peer.kind === 'group' && peer.name === name),
        ),
      )
      .map((service) => harmless(service.name, 40));
    const also =
      services.length === 0
        ? ''
        : `; the labels of ${services.join(', ')} name it, and let nobody new in by it until it does`;
    throw new UserError(exitCodes.failed, `${harmless(name)} does not resolve here (${why})${also}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}
