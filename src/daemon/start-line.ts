import type { Backend } from '../decide/diff/model.ts';
import { place } from '../decide/diff/placement.ts';
import { counted } from '../decide/net/show.ts';
import type { Decision } from '../decide/pass/decide.ts';

/** What a pass does not know. */
export interface StartFacts {
  /** Our own. */
  readonly version: string;
  readonly nextRun: () => Date | undefined;
}

/** What the first line after a first pass says. */
export interface Start {
  readonly version: string;
  /** Docker's version; undefined where it says nothing. */
  readonly engine: string | undefined;
  readonly backend: Backend;
  readonly front: boolean;
  /** Containers that publish a port, and how many ports they do. */
  readonly services: number;
  readonly ports: number;
  readonly open: number;
  readonly nextRun: Date | undefined;
}

export function readStart({ policy, observed, engine }: Decision, about: StartFacts): Start {
  const { gate, front } = place(observed, 4);
  const doors = policy.services.map(({ ports }) => {
    const here = ports.filter(({ lapsed, loopback }) => !lapsed && !loopback);
    const words = (list: typeof here): number =>
      [
        ...new Map(
          list.map(({ hostPort, containerPort, protocol, count = 1 }) => [
            `${hostPort ?? `-${containerPort}`}/${protocol}`,
            count,
          ]),
        ).values(),
      ].reduce((sum, count) => sum + count, 0);
    return { all: words(here), open: words(here.filter(({ reach }) => reach.everyone !== undefined)) };
  });
  const sum = (read: (door: { all: number; open: number }) => number): number =>
    doors.reduce((total, door) => total + read(door), 0);
  return {
    version: about.version,
    engine: engine.facts?.version,
    backend: gate,
    front: front !== undefined,
    services: doors.filter(({ all }) => all > 0).length,
    ports: sum(({ all }) => all),
    open: sum(({ open }) => open),
    nextRun: about.nextRun(),
  };
}

/** Times of day as the clock on the wall has them: TZ counts. */
export function startText({
  version,
  engine,
  backend,
  front,
  services,
  ports,
  open,
  nextRun,
}: Start): string {
  const walls = front ? 'both walls' : 'the gate alone';
  const docker = engine === undefined ? 'Docker' : `Docker ${engine}`;
  const next = nextRun === undefined ? '' : `; next look at ${nextRun.toTimeString().slice(0, 8)}`;
  const published = `${counted(services, 'service')} with ${counted(ports, 'port')}, ${open} open to everybody`;
  return `dockwall ${version} guards ${published} (${docker}, ${walls} in iptables-${backend})${next}`;
}
