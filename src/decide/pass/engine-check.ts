import type { Observed } from '../diff/model.ts';
import { place } from '../diff/placement.ts';
import type { EngineAnswers } from '../inventory/docker-json.ts';
import { type EngineFacts, readEngine } from '../inventory/engine.ts';
import type { Inventory } from '../inventory/model.ts';

/**
 * What there is to say of the engine. `refusal`: dockwall cannot guard it and does not pretend to; `problem`: somebody
 * has to look; `warning`: it works, but not as one might think; `note`: good to know.
 */
export interface Finding {
  readonly kind: 'refusal' | 'problem' | 'warning' | 'note';
  readonly text: string;
}

/** The engine as it presents itself, and what follows from that. */
export interface EngineView {
  readonly facts: EngineFacts | undefined;
  readonly findings: readonly Finding[];
}

/** An engine that dockwall cannot guard; the message says why, and what to do. */
export class EngineRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EngineRefusal';
  }
}

/** Throws the first refusal there is. */
export function requireGuardable({ findings }: EngineView): void {
  const refusal = findings.find(({ kind }) => kind === 'refusal');
  if (refusal !== undefined) throw new EngineRefusal(refusal.text);
}

/** What Docker says of itself beside what the kernel shows. */
export function checkEngine(
  answers: EngineAnswers | undefined,
  inventory: Inventory,
  observed: Observed,
): EngineView {
  if (answers === undefined) return { facts: undefined, findings: [] };
  const facts = readEngine(answers);
  // An engine that cannot be guarded anyway has its bridges somewhere else.
  const findings = unguardable(facts) ?? [
    ...elsewhere(answers, inventory),
    ...links(inventory),
    ...desktop(facts),
  ];
  return {
    facts,
    findings: [
      ...findings,
      ...silent(answers),
      ...front(answers, facts, observed),
      ...lock(answers, observed),
    ],
  };
}

/** A proxy before the socket may let everything through but this: then a rootless or a foreign engine is not recognised. */
function silent({ info }: EngineAnswers): readonly Finding[] {
  if (info !== undefined) return [];
  const text =
    'Docker does not say what it is (GET /info is refused): dockwall cannot tell an engine that it does not guard; ' +
    'behind docker-socket-proxy allow INFO=1';
  return [{ kind: 'warning', text }];
}

function unguardable(facts: EngineFacts | undefined): readonly Finding[] | undefined {
  if (facts !== undefined && facts.osType !== 'linux') {
    const text = `this Docker engine runs ${facts.osType} containers, and dockwall guards Linux hosts only`;
    return [{ kind: 'refusal', text }];
  }
  if (facts?.rootless !== true) return undefined;
  const text =
    'this Docker engine is rootless: its bridges are in a network namespace of RootlessKit, which hands clients on ' +
    'from outside, and dockwall cannot tell them apart there; it guards engines that run as root';
  return [{ kind: 'refusal', text }];
}

/**
 * The bridges of an engine are interfaces of its network namespace. Where none of them is one of ours, we stand before
 * the wrong door: the likeliest mistake is a sidecar without `network_mode: host`.
 */
function elsewhere(
  answers: EngineAnswers,
  { networks, interfaces, containers }: Inventory,
): readonly Finding[] {
  const bridges = networks.flatMap(({ bridge }) => bridge ?? []);
  const here = new Set(interfaces.map(({ name }) => name));
  if (bridges.length === 0 || here.size === 0 || bridges.some((bridge) => here.has(bridge))) return [];
  const own = containers.find(({ id }) => id === answers.ownContainer);
  const add = 'add "network_mode: host" to the dockwall service in the compose file';
  if (own !== undefined && own.networkMode.kind !== 'host') {
    return [{ kind: 'refusal', text: `dockwall does not run in the host's network: ${add}` }];
  }
  const none = `none of its bridges (${bridges.slice(0, 3).join(', ')}) is an interface here`;
  if (answers.remote !== undefined) {
    const text = `the Docker engine at ${answers.remote} is not on this host: ${none}, and nothing that it publishes is guarded`;
    return [{ kind: 'problem', text }];
  }
  const text = `dockwall does not run in the network namespace of this Docker engine: ${none}; ${add}`;
  return [{ kind: 'refusal', text }];
}

/** Without the kinds of interfaces, names have to do. */
function links({ linksProblem }: Inventory): readonly Finding[] {
  if (linksProblem === undefined) return [];
  const text =
    `which interfaces are bridges, and who is on them, cannot be read (${linksProblem}): only bridges that Docker has named itself ` +
    'are inside, and what else hangs on those is not seen';
  return [{ kind: 'warning', text }];
}

function desktop(facts: EngineFacts | undefined): readonly Finding[] {
  if (facts?.desktop !== true) return [];
  const text =
    'Docker Desktop hands clients on from outside its virtual machine, all with one address: who they are cannot be told, ' +
    'so a port is open to all of them or to none';
  return [{ kind: 'warning', text }];
}

/** Made where it is missing, it would be a folder, and the host's own iptables could lock nothing any more. */
export const lockAdvice =
  'mount /run/xtables.lock into the dockwall service (with create_host_path: false, as in compose.example.yml)';

/** iptables-legacy reads a whole table, changes it and writes it back. */
function lock({ sharesLock }: EngineAnswers, observed: Observed): readonly Finding[] {
  const legacy = observed.families.some((family) =>
    Object.values(place(observed, family)).includes('legacy'),
  );
  if (sharesLock || !legacy) return [];
  const text =
    "Docker uses iptables-legacy, and the lock that dockwall takes is not the host's: of two changes at once one is lost, and " +
    `Docker may fail to start a container; ${lockAdvice}`;
  return [{ kind: 'warning', text }];
}

/** Why there is no front, or is one although Docker says that there cannot be. */
function front(
  { nftables }: EngineAnswers,
  facts: EngineFacts | undefined,
  observed: Observed,
): readonly Finding[] {
  const hasFront = place(observed, 4).front !== undefined;
  const note = (text: string): readonly Finding[] => [{ kind: 'note', text }];
  if (facts?.firewall === 'nftables' || (facts?.firewall === undefined && nftables === true && !hasFront)) {
    return hasFront
      ? note(
          'Docker says that it uses its nftables backend, but there is a DOCKER chain in iptables, left by an earlier ' +
            'start: the front is in it, and what counts is the gate',
        )
      : note("Docker's nftables backend keeps no DOCKER chain: the gate stands alone");
  }
  if (hasFront) return [];
  const says =
    facts?.firewall === 'iptables' ? 'Docker says that it uses iptables, but there is' : 'there is';
  return note(
    `${says} no DOCKER chain (it was started with "iptables": false, or somebody took the chain away): the gate stands alone`,
  );
}
