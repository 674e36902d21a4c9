import { plan } from '../../daemon/pass.ts';
import { place } from '../../decide/diff/placement.ts';
import type { Listener } from '../../decide/inventory/model.ts';
import { eachHostPort } from '../../decide/net/port-run.ts';
import { parsePortNumbers } from '../../decide/net/port-selector.ts';
import type { Protocol } from '../../decide/net/port.ts';
import type { Policy } from '../../decide/policy/model.ts';
import { type KeptPort, renderBoot } from '../../decide/wall/boot.ts';
import { firstLocalPort, readListeners } from '../../reach/host/read-host.ts';
import { bootSetsText } from './boot-sets-text.ts';
import { bootUnitText } from './boot-unit-text.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';
import { openParts, requireConfig } from './parts.ts';

/**
 * `dockwall boot-unit`: prints a systemd unit that keeps containers closed from the host's boot to our first pass; with `sets` the one that
 * makes empty sets for saved rules.
 */
export async function bootUnit(
  context: Context,
  options: { keep?: string | undefined; sets?: true | undefined },
): Promise<ExitCode> {
  const config = await requireConfig(context);
  const parts = openParts(context, config);
  if (options.sets === true) {
    const { ruleset } = await parts.then(plan);
    context.print(bootSetsText(ruleset.sets));
    return exitCodes.ok;
  }
  const [{ observed, policy }, listeners, firstLocal] = await Promise.all([
    parts.then(plan),
    readListeners(),
    firstLocalPort(),
  ]);
  const found = hostPorts(listeners, policy, firstLocal);
  const kept = keptPorts(options.keep, found.kept);
  context.print(
    bootUnitText({
      kept,
      left: found.left.filter((port) => !kept.some((one) => same(one, port))),
      walls: observed.families.map((family) => ({
        table: renderBoot(policy, kept, family),
        backend: place(observed, family).gate,
      })),
    }),
  );
  return exitCodes.ok;
}

/**
 * What listens on the host and is no container's. `left`: numbers that anybody may be given, so they are not kept unasked.
 * @param firstLocal from here on Docker chooses ports by itself (see firstLocalPort in host/read-host.ts).
 */
export function hostPorts(
  listeners: readonly Listener[],
  { services }: Pick<Policy, 'services'>,
  firstLocal: number,
): { readonly kept: readonly KeptPort[]; readonly left: readonly KeptPort[] } {
  const published = services.flatMap(({ ports }) =>
    ports.flatMap((port) => (port.lapsed ? [] : eachHostPort(port))),
  );
  const own = listeners.filter((listener) => !published.some((port) => same(port, listener)));
  return {
    kept: own.filter(({ port }) => port < firstLocal),
    left: own.filter(({ port }) => port >= firstLocal),
  };
}

/** More than this is no list of a host's services, and each is a rule. */
const mostPorts = 500;

/** @param asked the whole list, or with a leading `+` what is added to what was found. */
export function keptPorts(asked: string | undefined, found: readonly KeptPort[]): readonly KeptPort[] {
  if (asked === undefined) return sorted(found);
  const adding = asked.startsWith('+');
  const parsed = parsePortNumbers(adding ? asked.slice(1) : asked);
  if (!parsed.ok) throw new UserError(exitCodes.bad, `--keep: ${parsed.problem}`);
  const named = parsed.ports.flatMap(({ range: { from, to }, protocol }) => {
    const protocols: readonly Protocol[] = protocol === undefined ? ['tcp', 'udp'] : [protocol];
    return Array.from({ length: to - from + 1 }, (_, index) => from + index).flatMap((port) =>
      protocols.map((name): KeptPort => ({ protocol: name, port })),
    );
  });
  const all = adding ? [...found, ...named] : named;
  if (all.length > mostPorts)
    throw new UserError(exitCodes.bad, `--keep: ${all.length} ports; at most ${mostPorts} can be kept open`);
  return sorted(all);
}

function sorted(ports: readonly KeptPort[]): readonly KeptPort[] {
  return [...new Map(ports.map((port) => [`${port.protocol}:${port.port}`, port])).values()].sort(
    (a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol),
  );
}

function same(a: KeptPort, b: KeptPort): boolean {
  return a.protocol === b.protocol && a.port === b.port;
}
