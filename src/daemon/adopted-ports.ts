import { ClaimIndex, type HostPortRun, placeKey } from '../decide/inventory/host-port.ts';
import type { HostPort } from '../decide/inventory/model.ts';
import { hostPortsOf, rangeText } from '../decide/net/port-run.ts';
import { HostHolds } from '../decide/policy/lapses.ts';
import { type HostSocket, placesOf } from '../reach/host/listeners.ts';
import { PortTimes } from './port-times.ts';

/** A new socket is looked at twice, this far apart at least, before Docker is asked whose it is, ms. */
const settleTime = 400;
/** UDP sockets in the range of outgoing ones come and go with each question somebody asks, ms. */
const settleTimeOfQuestions = 5000;
/** So long after it was last published a port is not believed to be the host's own, ms: docker-proxy may linger. */
const mistrust = 60_000;
/** What a new container asks for is in the next pass's claims; a pass that hangs may take its time, ms. */
const claimedAtCreate = 60_000;
/** A service of the host that is being restarted keeps its port for this long, ms. */
const restartTime = 60_000;
/**
 * Sockets on single addresses that the host has not are as many as somebody likes: of so many account is taken. There are reasons for a few, such
 * as an address that is about to come to this host.
 */
const mostForeign = 1024;
/** A socket that takes another's place within this time after an event of Docker may be docker-proxy, ms. */
const eventful = 5000;

interface Adopted {
  readonly place: HostPort;
  /** Of its sockets; there may be very many on one place (SO_REUSEADDR, SO_REUSEPORT). */
  inodes: Set<number>;
  goneSince: number | undefined;
  /**
   * `seen`: listens and is taken for the host's own. `known`: Docker was asked about it in an earlier process's time. `firm`: it was
   * asked by us, and no container that runs claims the place.
   */
  trust: 'seen' | 'known' | 'firm';
}

interface Waiting {
  readonly socket: HostSocket;
  readonly since: number;
}

/** A socket that can be judged, and when it was first seen. */
export type DueSocket = HostSocket & Pick<Waiting, 'since'>;

/** What an earlier process knew, as keys of places. */
export interface Predecessor {
  /** Whether its guard stands: then what it did not know has been shut, and waits. */
  readonly standing: boolean;
  readonly known: ReadonlySet<string>;
  /** Of those, what stood against the declaration of a container that ran on the host's network: so it was there before it. */
  readonly firm: ReadonlySet<string>;
}

/** What containers claim, as a pass has found it. */
export interface Claims {
  /** Of containers that run or are being started, and hold their ports. */
  readonly held: readonly HostPortRun[];
  /** Of all, whoever holds the port. */
  readonly all: readonly HostPortRun[];
}

/**
 * Who listens on the host: the one book of which places are the host's own. The guard goes by it, and so do passes, where claims of
 * containers lapse. Nothing is asked and nothing is written here, and time is passed in, ms.
 *
 * docker-proxy listens before any list of Docker tells its port, and a port that Docker chooses is known to nobody before.
 * So a socket that turns up waits until Docker has been asked, with nothing being started meanwhile: then it is either
 * published or the host's own. docker-proxy is root's, so others' sockets may be reached meanwhile, where no container claims the port.
 */
export class AdoptedPorts {
  private readonly firstLocalPort: number;
  private readonly adopted = new Map<string, Adopted>();
  private waiting = new Map<string, Waiting>();
  /** What containers hold now, and what they have held; what containers claim, and what new ones have asked for. */
  private held: { readonly runs: readonly HostPortRun[]; readonly at: number } = { runs: [], at: 0 };
  private holds = new ClaimIndex<HostPortRun>([]);
  private readonly published = new PortTimes(mistrust);
  private claims = new ClaimIndex<HostPortRun>([]);
  private readonly created = new PortTimes(claimedAtCreate);
  private lastEvent = Number.NEGATIVE_INFINITY;

  /** @param firstLocalPort from here on Docker chooses ports by itself. */
  constructor(firstLocalPort: number) {
    this.firstLocalPort = firstLocalPort;
  }

  /** The first look: what a predecessor had adopted, or (where none stands) whatever listens. */
  begin(all: readonly HostSocket[], { standing, known, firm }: Predecessor): void {
    const sockets = reachable(all, (socket) => placesOf(socket).some((place) => known.has(placeKey(place))));
    for (const socket of sockets) {
      for (const place of placesOf(socket)) {
        const key = placeKey(place);
        if (standing && !known.has(key)) continue;
        this.adopt(place, socket, firm.has(key) ? 'firm' : known.has(key) ? 'known' : 'seen');
      }
      // Taken over without having been asked for: asked for at the first opportunity.
      this.waiting.set(socketKey(socket), { socket, since: -Infinity });
    }
  }

  /** Something happened in Docker: a port that nobody holds any more may be taken by a container. */
  event(now: number): void {
    this.lastEvent = now;
    for (const [key, { goneSince }] of this.adopted) if (goneSince !== undefined) this.adopted.delete(key);
  }

  /**
   * What listens now.
   * @returns whether a place that somebody claims has just been given up: the claim counts from now on.
   */
  look(all: readonly HostSocket[], now: number): boolean {
    const sockets = reachable(
      all,
      (socket) =>
        this.waiting.has(socketKey(socket)) || placesOf(socket).some((place) => this.knows(place, socket)),
    );
    const byPlace = Map.groupBy(
      sockets.flatMap((socket) => placesOf(socket).map((place) => ({ socket, key: placeKey(place) }))),
      ({ key }) => key,
    );
    const roots = new Set(
      [...byPlace].flatMap(([key, here]) => (here.some(({ socket }) => socket.uid === 0) ? [key] : [])),
    );
    let freed = false;
    for (const [key, adopted] of this.adopted) {
      this.follow(key, adopted, { here: byPlace.get(key)?.map(({ socket }) => socket) ?? [], now });
      freed ||= !this.adopted.has(key) && this.isClaimed(adopted.place, now);
    }
    const before = this.waiting;
    this.waiting = new Map();
    for (const socket of sockets) {
      const waiting = before.get(socketKey(socket)) ?? { socket, since: now };
      const places = this.unpublished(socket, now);
      const known = places.length > 0 && places.every((place) => this.knows(place, socket));
      if (known && !before.has(socketKey(socket))) continue;
      this.waiting.set(socketKey(socket), waiting);
      for (const place of places)
        if (!roots.has(placeKey(place)) && !this.isClaimed(place, now)) this.adopt(place, socket, 'seen');
    }
    return freed;
  }

  /** Whether some socket waits for its judgement, now or soon, that Docker is to be asked about. */
  waits(now: number): boolean {
    return [...this.waiting.values()].some(
      ({ socket }) => this.worthAsking(socket) && this.unpublished(socket, now).length > 0,
    );
  }

  /** Sockets that can be judged now: take them before Docker is asked. */
  due(now: number): readonly DueSocket[] {
    return [...this.waiting.values()]
      .filter(
        ({ socket, since }) =>
          now - since >= this.settleTimeOf(socket) && this.unpublished(socket, now).length > 0,
      )
      .map(({ socket, since }) => ({ ...socket, since }));
  }

  /** Of those, the ones that Docker should be asked about for their own sake. */
  urgent(now: number): readonly HostSocket[] {
    return this.due(now).filter((socket) => this.worthAsking(socket));
  }

  /**
   * Docker has been asked, after these sockets had been seen, and starts nothing: those on no published port are the
   * host's own, if they are still there.
   * @returns whether one of them is gone from a place that somebody claims: the claim counts after all.
   */
  judged(sockets: readonly HostSocket[], now: number): boolean {
    let freed = false;
    for (const socket of sockets) {
      const here = this.waiting.delete(socketKey(socket));
      for (const place of this.unpublished(socket, now)) {
        if (here) this.adopt(place, socket, 'firm');
        else freed ||= this.isClaimed(place, now);
      }
    }
    return freed;
  }

  /** What a pass has found out. What a container holds is no business of the host's: the gate judges it, whoever listens. */
  publish({ held, all }: Claims, now: number): void {
    const still = new Set(held.map(runKey));
    this.published.add(
      this.held.runs.filter((run) => !still.has(runKey(run))),
      this.held.at,
    );
    this.held = { runs: held, at: now };
    this.holds = new ClaimIndex(held);
    this.claims = new ClaimIndex(all);
    for (const [key, adopted] of this.adopted) {
      if (this.holds.has(adopted.place)) this.adopted.delete(key);
      else if (adopted.trust === 'known') adopted.trust = 'firm';
    }
  }

  /**
   * A new container asks for these: what is not known to be the host's own is not taken for it any more.
   * @returns what is.
   */
  claim(ports: readonly HostPortRun[], now: number): HostHolds {
    this.created.add(ports, now);
    const loose = [...this.adopted].filter(([, adopted]) => !isConfirmed(adopted));
    const asked = new ClaimIndex(loose.length === 0 ? [] : ports);
    for (const [key, { place }] of loose) if (asked.has(place)) this.adopted.delete(key);
    return new HostHolds([...this.adopted.values()].filter(isConfirmed).map(({ place }) => place));
  }

  /** Every place that is taken for the host's own. */
  ports(): readonly HostPort[] {
    return [...this.adopted.values()].map(({ place }) => place);
  }

  /**
   * What a pass may go by that asks Docker now.
   * @param judging what it can judge: seen before Docker was found to start nothing.
   */
  own(
    judging: readonly HostSocket[],
    now: number,
  ): { listeners: readonly HostPort[]; judged: readonly HostPort[] } {
    const confirmed = [...this.adopted.values()].filter(isConfirmed);
    const waiting = judging.filter((socket) => this.waiting.has(socketKey(socket)));
    return {
      listeners: confirmed.filter(({ trust }) => trust === 'firm').map(({ place }) => place),
      judged: [
        ...confirmed.filter(({ trust }) => trust === 'known').map(({ place }) => place),
        ...waiting.flatMap((socket) => this.unpublished(socket, now)),
      ],
    };
  }

  private adopt(place: HostPort, { inode }: HostSocket, trust: Adopted['trust']): void {
    const before = this.adopted.get(placeKey(place));
    this.adopted.set(placeKey(place), {
      place,
      inodes: (before?.inodes ?? new Set<number>()).add(inode),
      goneSince: undefined,
      trust: before === undefined || trust === 'firm' ? trust : before.trust,
    });
  }

  /** What became of a place's sockets: a restarted service has others, and for a moment none. */
  private follow(
    key: string,
    adopted: Adopted,
    { here, now }: { here: readonly HostSocket[]; now: number },
  ): void {
    const claimed = this.isClaimed(adopted.place, now);
    const dockerMayTakeIt =
      claimed || adopted.place.port >= this.firstLocalPort || now - this.lastEvent < eventful;
    const strangers = here.filter(({ inode, uid }) => (claimed || uid === 0) && !adopted.inodes.has(inode));
    if (dockerMayTakeIt && (here.length === 0 || strangers.length > 0)) this.adopted.delete(key);
    else if (here.length > 0) {
      adopted.goneSince = undefined;
      adopted.inodes = new Set(here.map(({ inode }) => inode));
    } else {
      adopted.goneSince ??= now;
      if (now - adopted.goneSince > restartTime) this.adopted.delete(key);
    }
  }

  private knows(place: HostPort, { inode }: HostSocket): boolean {
    return this.adopted.get(placeKey(place))?.inodes.has(inode) === true;
  }

  private isClaimed(place: HostPort, now: number): boolean {
    return this.claims.has(place) || now - this.created.last(place) <= claimedAtCreate;
  }

  /** Where it waits that is no container's, and was none's a moment ago. */
  private unpublished(socket: HostSocket, now: number): readonly HostPort[] {
    const isFree = (place: HostPort): boolean =>
      (now - this.held.at > mistrust || !this.holds.has(place)) &&
      now - this.published.last(place) > mistrust;
    const [own, ...guessed] = placesOf(socket).map((place) => ({ place, free: isFree(place) }));
    // docker-proxy's for IPv6 does not wait on IPv4
    return own?.free === true ? [own, ...guessed].flatMap(({ place, free }) => (free ? [place] : [])) : [];
  }

  /** A user's UDP socket in the range of outgoing ones can be reached already, and most are gone before anybody claims the port. */
  private worthAsking(socket: HostSocket): boolean {
    return !this.isOutgoing(socket) || placesOf(socket).some((place) => !this.knows(place, socket));
  }

  private isOutgoing({ protocol, port }: HostPort): boolean {
    return protocol === 'udp' && port >= this.firstLocalPort;
  }

  private settleTimeOf(socket: HostSocket): number {
    return this.isOutgoing(socket) ? settleTimeOfQuestions : settleTime;
  }
}

function isConfirmed({ trust, goneSince }: Adopted): boolean {
  return trust !== 'seen' && goneSince === undefined;
}

/**
 * What only the host itself can reach needs nobody's leave. Of sockets on addresses that it has not {@link mostForeign} count, those that
 * are known first; the others are as if they were not there: nothing from outside gets to them.
 */
function reachable(
  all: readonly HostSocket[],
  isKnown: (socket: HostSocket) => boolean,
): readonly HostSocket[] {
  const sockets = all.filter(({ loopback }) => !loopback);
  const foreign = sockets.filter((socket) => socket.foreign === true);
  if (foreign.length <= mostForeign) return sockets;
  const known = foreign.filter(isKnown).slice(0, mostForeign);
  const kept = new Set(known);
  for (const socket of foreign) {
    if (kept.size === mostForeign) break;
    kept.add(socket);
  }
  return sockets.filter((socket) => socket.foreign !== true || kept.has(socket));
}

function socketKey({ protocol, port, inode }: HostSocket): string {
  return `${protocol}:${port}:${inode}`;
}

function runKey(run: HostPortRun): string {
  const range = hostPortsOf(run);
  return `${run.family} ${run.address} ${run.protocol}:${range === undefined ? '' : rangeText(range)}`;
}
