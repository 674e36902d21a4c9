import type { Family } from '../net/network.ts';
import type { Match, SetName, Target } from './model.ts';
import type { ChainName } from './model.ts';

/** Short words for the matches and targets that the walls are written in, so that a wall reads as a list. */

export function from(name: string): Match {
  return { kind: 'in-interface', name };
}

export function to(name: string): Match {
  return { kind: 'out-interface', name };
}

export const toDockerLike: Match = { kind: 'out-docker-like' };
export const bridgedContainer: Match = { kind: 'bridged-container' };

/** The source is in the set; of a set of ports alone, its port. */
export function sourceIn(set: SetName): Match {
  return { kind: 'set', set, fields: 'src', negated: false };
}

export function sourceNotIn(set: SetName): Match {
  return { kind: 'set', set, fields: 'src', negated: true };
}

/** (destination address, destination port) is in the set. */
export function portIn(set: SetName): Match {
  return { kind: 'set', set, fields: 'dst,dst', negated: false };
}

/** (source address, destination port) is in the set. */
export function pairIn(set: SetName): Match {
  return { kind: 'set', set, fields: 'src,dst', negated: false };
}

export function pairNotIn(set: SetName): Match {
  return { kind: 'set', set, fields: 'src,dst', negated: true };
}

/** (destination address, destination port, source address) is in the set. */
export function boundIn(set: SetName): Match {
  return { kind: 'set', set, fields: 'dst,dst,src', negated: false };
}

/** The other way round: (source address, source port) of an answer is in the set. */
export function answererIn(set: SetName): Match {
  return { kind: 'set', set, fields: 'src,src', negated: false };
}

/** The other way round: (source address, source port, destination address) of an answer is in the set. */
export function answerIn(set: SetName): Match {
  return { kind: 'set', set, fields: 'src,src,dst', negated: false };
}

/** UDP. */
export const udp: Match = { kind: 'protocol', protocol: 'udp' };

export const reply: Match = { kind: 'reply-direction' };

/**
 * ICMP errors of known connections. RELATED alone would also be what a conntrack helper expects (ftp, sip): a connection to
 * whatever port the client has named.
 */
export function related(family: Family): readonly Match[] {
  return [
    { kind: 'icmp', family },
    { kind: 'state', states: 'RELATED' },
  ];
}

export function marked(bit: number): Match {
  return { kind: 'mark', bit, negated: false };
}

export function notMarked(bit: number): Match {
  return { kind: 'mark', bit, negated: true };
}

/** The connection, in either direction, has this bit. */
export function connectionMarked(bit: number): Match {
  return { kind: 'connection-mark', bit };
}

export const accept: Target = { kind: 'accept' };
export const drop: Target = { kind: 'drop' };
export const giveBack: Target = { kind: 'return' };
export const count: Target = { kind: 'count' };

export function jump(chain: ChainName): Target {
  return { kind: 'jump', chain };
}

/** Continues in `chain` and, at its end, where the chain that we left would have gone. */
export function goTo(chain: ChainName): Target {
  return { kind: 'goto', chain };
}
