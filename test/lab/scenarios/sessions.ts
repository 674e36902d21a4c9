import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { until } from '../poll.ts';
import type { StreamHandle } from '../stream.ts';
import type { Stage } from './stage.ts';

/** What a session is like: both talk, only the server talks, or it begins to after this many ms, the client being silent. */
const talks = { both: undefined, push: 0, later: 4000 } as const;
type Talk = keyof typeof talks;

/** Once refused, nothing may come after this time, ms; and this is how long nothing is waited for. */
const deadline = 1000;
const silence = 500;

interface Session {
  readonly name: string;
  readonly talk: Talk;
  readonly stream: StreamHandle;
}

/** What has come in a session so far. */
interface Heard {
  readonly name: string;
  readonly echoed: number;
  readonly silentFor: number;
  readonly closed: boolean;
}

/** Running conversations of a scenario's clients, TCP and UDP, IPv4 and IPv6. */
export class Sessions {
  readonly #stage: Stage;
  #open: Session[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** One session of each kind; without docker-proxy nobody serves IPv6 here but host-network containers (port 8123). */
  async start(
    who: string,
    ports: readonly number[],
    kinds: readonly Talk[] = ['both', 'push'],
  ): Promise<readonly Session[]> {
    const { userlandProxy } = this.#stage.setup;
    const targets = ports.flatMap((port) =>
      (['tcp', 'udp'] as const)
        .flatMap((proto): readonly Target[] => this.#stage.both(port, proto))
        .filter(({ ip }) => userlandProxy || port === 8123 || !ip.includes(':')),
    );
    const made = await Promise.all(
      targets.flatMap((target) =>
        kinds.map(async (talk): Promise<Session> => {
          const push = talks[talk];
          const stream = await this.#stage.client(who).stream(target, push === undefined ? {} : { push });
          return { name: `${who} ${talk} ${target.proto} ${target.ip} ${target.port}`, talk, stream };
        }),
      ),
    );
    this.#open.push(...made);
    return made;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map(async ({ stream }) => stream.close()));
    this.#open = [];
  }

  async looks(all: readonly Session[]): Promise<readonly Heard[]> {
    return Promise.all(
      all.map(async ({ name, stream }) => {
        const { echoed, silentFor, closed } = await stream.look();
        return { name, echoed, silentFor, closed };
      }),
    );
  }

  /** All of them bring something from now on. */
  async flowing(all: readonly Session[]): Promise<void> {
    const before = await this.looks(all);
    let stuck: readonly string[] = [];
    await until({ what: 'sessions to flow', ms: 8000 }, async () => {
      const now = await this.looks(all);
      stuck = now
        .filter(({ echoed }, index) => echoed <= (before[index]?.echoed ?? 0) + 2)
        .map(({ name }) => name);
      return stuck.length === 0;
    }).catch(() => {
      throw new Error(`these do not flow:\n${stuck.join('\n')}\n${this.#stage.dockwall.text}`);
    });
  }

  /** None of them brings anything once the deadline is over. */
  async silent(all: readonly Session[]): Promise<void> {
    let noisy: readonly object[] = [];
    await until({ what: 'sessions to end', ms: deadline + silence }, async () => {
      noisy = (await this.looks(all)).filter(({ silentFor }) => silentFor < silence);
      return noisy.length === 0;
    }).catch(() => {
      throw new Error(`these go on:\n${JSON.stringify(noisy, null, 1)}\n${this.#stage.dockwall.text}`);
    });
    const before = await this.looks(all);
    await sleep(silence);
    expect((await this.looks(all)).map(({ echoed }) => echoed)).toEqual(before.map(({ echoed }) => echoed));
  }
}
