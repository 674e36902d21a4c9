import type { Peer, Reach } from './model.ts';
import { closed, opens } from './peers.ts';

/** What claims open: equal sayings are one object, so that two of them are compared by asking whether they are the same one. */
export class Sayings {
  private readonly known = new Map<string, Reach>();
  private readonly agreed = new Map<Reach, Map<Reach, Reach>>();

  /** What a claim opens; what it denies is left out. */
  of(reach: Reach): Reach {
    if (!opens(reach)) return closed;
    const { everyone, allow } = reach;
    const rules = allow.map(({ peer, reason }) => [peerKey(peer), reason.label, reason.value]);
    const key = JSON.stringify([everyone?.label, everyone?.value, rules]);
    const known = this.known.get(key) ?? { everyone, allow, deny: [] };
    this.known.set(key, known);
    return known;
  }

  /**
   * What both sayings open, never more than one of them says. A network inside a group is not looked into: rather closed than guessed.
   * Undefined stands for nobody who says anything.
   */
  both(a: Reach | undefined, b: Reach | undefined): Reach | undefined {
    if (a === undefined || b === undefined) return a ?? b;
    if (a === closed || b === closed) return closed;
    const known = this.agreed.get(a) ?? new Map<Reach, Reach>();
    this.agreed.set(a, known);
    const found = known.get(b) ?? this.of(intersect(a, b));
    known.set(b, found);
    return found;
  }
}

function intersect(a: Reach, b: Reach): Reach {
  if (a.everyone !== undefined && b.everyone !== undefined) return { ...closed, everyone: a.everyone };
  if (a.everyone !== undefined) return { ...closed, allow: b.allow };
  if (b.everyone !== undefined) return { ...closed, allow: a.allow };
  const others = new Set(b.allow.map(({ peer }) => peerKey(peer)));
  return { ...closed, allow: a.allow.filter(({ peer }) => others.has(peerKey(peer))) };
}

function peerKey(peer: Peer): string {
  return peer.kind === 'group' ? `group ${peer.name}` : peer.network;
}

/**
 * What all of them open that have a say just now, out of so many: a tree of halves, so that one who joins or leaves costs as many steps as
 * there are halves, and none where the others have settled it already.
 */
export class Agreement {
  private readonly sayings: Sayings;
  private readonly leaves: number;
  private readonly nodes: (Reach | undefined)[] = [];

  constructor(sayings: Sayings, size: number) {
    this.sayings = sayings;
    this.leaves = 2 ** Math.ceil(Math.log2(Math.max(1, size)));
  }

  /** Undefined where nobody has a say. */
  get reach(): Reach | undefined {
    return this.nodes[1];
  }

  /** @param said undefined: has no say any more. */
  set(index: number, said: Reach | undefined): void {
    let at = this.leaves + index;
    this.nodes[at] = said;
    for (at >>= 1; at >= 1; at >>= 1) {
      const agreed = this.sayings.both(this.nodes[2 * at], this.nodes[2 * at + 1]);
      if (agreed === this.nodes[at]) return;
      this.nodes[at] = agreed;
    }
  }
}
