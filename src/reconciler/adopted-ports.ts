import type { HostSocket } from '../host/listeners.ts';
import type { Listener } from '../inventory/model.ts';

/** A new socket is looked at twice, this far apart at least, before Docker is asked whose it is, ms. */
const settleTime = 400;
/** UDP sockets in the range of outgoing ones come and go with each question somebody asks, ms. */
const settleTimeOfQuestions = 5000;
/** So long after it was last published a port is not believed to be the host's own, ms: docker-proxy may linger. */
const mistrust = 60_000;
/** A service of the host that is being restarted keeps its port for this long, ms. */
const restartTime = 60_000;
/** A socket that takes another's place within this time after an event of Docker may be docker-proxy, ms. */
const eventful = 5000;

interface Adopted {
  readonly port: Listener;
  inodes: ReadonlySet<number>;
  goneSince: number | undefined;
}

interface Waiting {
  readonly socket: HostSocket;
  readonly since: number;
}

/**
 * Which ports of the host are the host's own: the book that the guard goes by. Nothing is asked and nothing is written here,
 * and time is passed in, ms.
 *
 * docker-proxy listens before any list of Docker tells its port, and a port that Docker chooses is known to nobody before.
 * So a socket that turns up waits until Docker has been asked, with nothing being started meanwhile: then it is either
 * published or the host's own. docker-proxy is root's, so others' sockets need not wait.
 */
export class AdoptedPorts {
  private readonly firstLocalPort: number;
  private readonly adopted = new Map<string, Adopted>();
  private waiting = new Map<string, Waiting>();
  private readonly published = new Map<string, number>();
  private lastEvent = Number.NEGATIVE_INFINITY;

  /** @param firstLocalPort from here on Docker chooses ports by itself. */
  constructor(firstLocalPort: number) {
    this.firstLocalPort = firstLocalPort;
  }

  /** The first look: what a predecessor had adopted, or (where there was none) whatever listens. */
  begin(sockets: readonly HostSocket[], predecessors: ReadonlySet<string> | undefined): void {
    for (const socket of reachable(sockets)) {
      if (predecessors === undefined || predecessors.has(portKey(socket))) this.adopt(socket);
    }
    // Taken over without having been asked for: asked for at the first opportunity.
    for (const socket of reachable(sockets))
      this.waiting.set(socketKey(socket), { socket, since: -Infinity });
  }

  /** Something happened in Docker: a port that nobody holds any more may be taken by a container. */
  event(now: number): void {
    this.lastEvent = now;
    for (const [key, { goneSince }] of this.adopted) if (goneSince !== undefined) this.adopted.delete(key);
  }

  /** What listens now. */
  look(all: readonly HostSocket[], now: number): void {
    const sockets = reachable(all);
    const byPort = Map.groupBy(sockets, portKey);
    for (const [key, adopted] of this.adopted)
      this.follow(key, adopted, { here: byPort.get(key) ?? [], now });
    const before = this.waiting;
    this.waiting = new Map();
    for (const socket of sockets) {
      const key = socketKey(socket);
      const known = this.adopted.get(portKey(socket))?.inodes.has(socket.inode) === true;
      if (known && !before.has(key)) continue;
      const rootToo = (byPort.get(portKey(socket)) ?? []).some(({ uid }) => uid === 0);
      if (!known && !rootToo && !this.isPublished(socket, now)) this.adopt(socket);
      else this.waiting.set(key, before.get(key) ?? { socket, since: now });
    }
  }

  /** Sockets that Docker should be asked about now. */
  due(now: number): readonly HostSocket[] {
    return [...this.waiting.values()]
      .filter(
        ({ socket, since }) => now - since >= this.settleTimeOf(socket) && !this.isPublished(socket, now),
      )
      .map(({ socket }) => socket);
  }

  /**
   * Docker has been asked, after these sockets had been seen, and starts nothing: those on no published port are the
   * host's own, if they are still there.
   */
  judged(sockets: readonly HostSocket[], now: number): void {
    for (const socket of sockets) {
      if (this.waiting.delete(socketKey(socket)) && !this.isPublished(socket, now)) this.adopt(socket);
    }
  }

  /** These ports are containers': the gate judges them, whoever listens. */
  publish(ports: readonly Listener[], now: number): void {
    for (const [key, at] of this.published) if (now - at > mistrust) this.published.delete(key);
    for (const port of ports) {
      this.published.set(portKey(port), now);
      this.adopted.delete(portKey(port));
    }
  }

  /** Every port that is the host's own. */
  ports(): readonly Listener[] {
    return [...this.adopted.values()].map(({ port }) => port);
  }

  private adopt(socket: HostSocket): void {
    const key = portKey(socket);
    const inodes = new Set([...(this.adopted.get(key)?.inodes ?? []), socket.inode]);
    const { protocol, port } = socket;
    this.adopted.set(key, { port: { protocol, port }, inodes, goneSince: undefined });
  }

  /** What became of a port's sockets: a restarted service has others, and for a moment none. */
  private follow(
    key: string,
    adopted: Adopted,
    { here, now }: { here: readonly HostSocket[]; now: number },
  ): void {
    const dockerMayTakeIt = adopted.port.port >= this.firstLocalPort || now - this.lastEvent < eventful;
    const strangers = here.filter(({ inode, uid }) => uid === 0 && !adopted.inodes.has(inode));
    if (dockerMayTakeIt && (here.length === 0 || strangers.length > 0)) this.adopted.delete(key);
    else if (here.length > 0) {
      adopted.goneSince = undefined;
      adopted.inodes = new Set(here.map(({ inode }) => inode));
    } else {
      adopted.goneSince ??= now;
      if (now - adopted.goneSince > restartTime) this.adopted.delete(key);
    }
  }

  private isPublished(socket: Listener, now: number): boolean {
    return now - (this.published.get(portKey(socket)) ?? Number.NEGATIVE_INFINITY) <= mistrust;
  }

  private settleTimeOf({ protocol, port }: Listener): number {
    return protocol === 'udp' && port >= this.firstLocalPort ? settleTimeOfQuestions : settleTime;
  }
}

/** What only the host itself can reach needs nobody's leave. */
function reachable(sockets: readonly HostSocket[]): readonly HostSocket[] {
  return sockets.filter(({ loopback }) => !loopback);
}

/** `tcp:443`, as a member of a set says it. */
export function portKey({ protocol, port }: Listener): string {
  return `${protocol}:${port}`;
}

function socketKey(socket: HostSocket): string {
  return `${portKey(socket)}:${socket.inode}`;
}
