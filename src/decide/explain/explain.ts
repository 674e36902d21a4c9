import { familyOf } from '../net/network.ts';
import { shorten } from '../net/show.ts';
import { withForeignSets } from '../policy/foreign-sets.ts';
import type { Policy, Reason } from '../policy/model.ts';
import { type Door, judge, type Packet, type Verdict } from '../policy/verdict.ts';
import { withLiveMembers } from '../wall/live.ts';
import { observingFor } from '../wall/observing.ts';
import { agreement } from './agreement.ts';
import { Looking } from './foreign.ts';
import { hintsFor } from './hints.ts';
import { insideOf } from './inside.ts';
import { type List, memberOf } from './members.ts';
import type { Asker, Because, Explanation, Hint, Member, Moment, Path, Question } from './model.ts';
import { notesFor } from './notes.ts';
import { clashesOf, missingOfDocker, stopsOf } from './others.ts';
import { type Asked, bridgeTo, packetsOf } from './packets.ts';
import { wayOf } from './way.ts';

/**
 * Who may reach what, and why: for each way from an asker to the target the verdict of the policy, what decides it, where the
 * packet goes, whether the kernel would do the same at this moment, and what to try. A value for people and programs alike; what
 * is let in is {@link judge}'s to say, here it is only told.
 */
export function explain(moment: Moment, { askers, target }: Question): Explanation {
  const { policy, kernel } = moment;
  const written = kernel === undefined ? policy : withForeignSets(policy, kernel.foreign);
  const live = kernel === undefined ? policy : withLiveMembers(written, kernel.observed.sets);
  const explainer = new Explainer({ moment, written, live });
  const paths = askers.flatMap((asker) =>
    packetsOf(asker, target, moment).map((asked) => explainer.path(asker, asked)),
  );
  // where a port is published and closed, the gate itself drops, whatever the mark
  const byMark = paths.some(
    ({ verdict, because }) => verdict === 'allowed' || because.kind === 'unpublished',
  );
  return {
    version: 2,
    paths,
    notes: [...(byMark ? clashesOf(moment) : []), ...notesFor(askers, target, moment)],
  };
}

interface Views {
  readonly moment: Moment;
  /** The policy with what external sets hold. */
  readonly written: Policy;
  /** And with what the kernel holds for a while. */
  readonly live: Policy;
}

class Explainer {
  private readonly moment: Moment;
  private readonly written: Policy;
  private readonly live: Policy;
  private readonly looking: Looking;
  private readonly decide: (packet: Packet) => Verdict;
  private readonly observing: boolean;

  constructor({ moment, written, live }: Views) {
    this.moment = moment;
    this.written = written;
    this.live = live;
    this.looking = new Looking(moment.kernel?.foreign ?? new Map());
    this.decide = judge(live);
    this.observing = observingFor(moment.kernel?.observed.sets ?? []) > 0;
  }

  path(asker: Asker, asked: Asked): Path {
    const { moment, live } = this;
    const { packet } = asked;
    const unjudged = insideOf(asker, moment);
    const decided = this.decide(packet);
    const because =
      unjudged === undefined ? this.because(decided, asked) : ({ kind: 'inside', asker: unjudged } as const);
    const stands = outcome(decided, this.observing);
    const verdict = isOurs(because) ? stands : 'not managed';
    const door = doorOf(decided) ?? asked.door;
    const unseen = unfiltered.has(because.kind);
    const way = unseen ? [] : wayOf(packet, { verdict, door: doorOf(decided) }, moment);
    const front = way.some(({ kind }) => kind === 'front');
    const road = { packet, way, moment };
    const goesOn = verdict === 'allowed' || because.kind === 'not published';
    const broken: readonly Hint[] =
      verdict === 'allowed'
        ? missingOfDocker(road, doorOf(decided)).map((text) => ({ kind: 'rules of Docker', text }))
        : [];
    return {
      source: packet.source,
      sourceName: asker.name === undefined ? undefined : shorten(asker.name),
      interface: unjudged === undefined ? packet.interface : asker.interface,
      family: familyOf(packet.source),
      protocol: packet.protocol,
      destination: asked.addressed ? packet.destination : undefined,
      port: packet.port,
      service: serviceName(door, asked),
      containerPort: door?.port.containerPort,
      verdict,
      because,
      way,
      kernel:
        moment.kernel === undefined
          ? { kind: 'not asked' }
          : unseen
            ? { kind: 'no rule' }
            : agreement(
                {
                  packet,
                  verdict: stands,
                  policy: moment.policy,
                  front,
                  bridge: bridgeTo(packet.destination, moment),
                },
                { ...moment.kernel, looking: this.looking },
              ),
      others: goesOn ? stopsOf(road) : [],
      hints: [...broken, ...hintsFor({ asked, because, door, moment, live })],
    };
  }

  private because(decided: Verdict, asked: Asked): Because {
    const { policy } = this.moment;
    const { packet } = asked;
    if (policy.external.kind === 'list' && packet.interface !== undefined) {
      const name = packet.interface;
      if (!policy.external.names.includes(name)) return { kind: 'other interface', interface: name };
    }
    if (decided.kind === 'not managed') return this.notOurs(asked);
    switch (decided.because) {
      case 'trusted':
        // whoever is trusted passes, published or not: then it is the host's to answer
        return packet.towards === 'host' && decided.door === undefined
          ? this.notOurs(asked)
          : { kind: 'trusted', member: this.member(decided.who, 'trusted', packet) };
      case 'public':
        return { kind: 'public', reason: told(decided.reason) };
      case 'allowed':
        return {
          kind: 'allowed',
          reason: told(decided.reason),
          member: this.member(decided.who, 'label', packet),
        };
      case 'denied':
        return { kind: 'denied', member: this.member(decided.who, 'deny', packet) };
      case 'denied by a label':
        return {
          kind: 'denied by a label',
          reason: told(decided.reason),
          member: this.member(decided.who, 'label', packet),
        };
      case 'loopback':
        return { kind: 'loopback' };
      case 'published':
        return { kind: 'closed' };
      case 'unpublished':
        return { kind: 'unpublished' };
    }
  }

  private notOurs({ packet, service }: Asked): Because {
    const [network] = service?.unprotected ?? [];
    if (network !== undefined) return { kind: 'not protected', network: shorten(network) };
    if (packet.towards === 'host') return { kind: 'not published' };
    const bypassing = this.bypassing(packet.destination);
    return bypassing === undefined
      ? { kind: 'elsewhere' }
      : { kind: 'not protected', network: shorten(bypassing) };
  }

  /** A container's own address on macvlan and the like. */
  private bypassing(address: string): string | undefined {
    const { containers, networks } = this.moment.inventory;
    const endpoint = containers.flatMap(({ endpoints }) => endpoints).find((one) => one.address === address);
    const network = networks.find(({ id }) => id === endpoint?.networkId);
    return network && `${network.name} (${network.driver})`;
  }

  private member(who: Parameters<typeof memberOf>[0]['who'], list: List, { source }: Packet): Member {
    const observed = this.moment.kernel?.observed;
    return memberOf({ who, list, source }, { policy: this.written, observed });
  }
}

function told({ label, value }: Reason): Reason {
  return { label: shorten(label, 100), value: shorten(value, 200) };
}

/** Such packets do not come by a rule of ours. */
const unfiltered: ReadonlySet<Because['kind']> = new Set([
  'elsewhere',
  'inside',
  'other interface',
  'not protected',
]);

function isOurs({ kind }: Because): boolean {
  return kind !== 'not published' && !unfiltered.has(kind);
}

/** While the walls only look, what nothing lets in gets in; what is denied does not. */
function outcome(decided: Verdict, observing: boolean): Path['verdict'] {
  if (decided.kind === 'not managed') return 'not managed';
  const passes = decided.kind === 'allowed' || (observing && decided.because === 'published');
  return passes ? 'allowed' : 'denied';
}

/** The door that the packet finds, which may be another than the one that was meant. */
function doorOf(decided: Verdict): Door | undefined {
  return 'door' in decided ? decided.door : undefined;
}

function serviceName(door: Door | undefined, { service }: Asked): string | undefined {
  const name = door?.service.name ?? service?.name;
  return name === undefined ? undefined : shorten(name);
}
