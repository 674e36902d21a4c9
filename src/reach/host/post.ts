import { createServer } from 'node:net';

/**
 * The post that one dockwall stands at. Abstract unix sockets belong to a network namespace, as the rules do (unix(7); each program with
 * `network_mode: host` sees the host's), need no folder and go with their process.
 */
const usualName = '\0dockwall';

/** Gives the post up. */
export type Leave = () => Promise<void>;

/**
 * Takes the post of this network namespace; undefined where another program has it. It does not keep this process alive. Any user of
 * the host may take the name too, so a taken post may delay only what makes the walls lower, never what raises them.
 */
export async function takePost(name = usualName): Promise<Leave | undefined> {
  const server = createServer((asked) => asked.destroy());
  const { promise: taken, resolve, reject } = Promise.withResolvers<boolean>();
  server.once('listening', () => resolve(true));
  server.once('error', (error: NodeJS.ErrnoException) =>
    error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
  );
  server.listen(name);
  if (!(await taken)) return undefined;
  server.unref();
  // What comes after it is listening is a failed accept, and takes nothing away.
  server.on('error', () => {});
  return async () => {
    await new Promise<void>((resolved) => server.close(() => resolved()));
  };
}

/** How long another may take to end at an upgrade before it is tried again, ms. */
const retryAfter = 1000;

export interface PostParts {
  readonly take?: () => Promise<Leave | undefined>;
  readonly clock: { readonly after: (ms: number, act: () => void) => () => void };
  readonly log: { readonly warn: (fields: object, message: string) => void };
}

/**
 * Holds the post as soon as it is free, for a daemon, which does not wait for it: at an upgrade the old one may still be ending. Says
 * once that another is here. Gives what ends it.
 */
export async function holdPost({ take = takePost, clock, log }: PostParts): Promise<Leave> {
  let leave: Leave | undefined;
  let [ended, told] = [false, false];
  let cancel = (): void => {};
  let trying = Promise.resolve();
  const attempt = async (): Promise<void> => {
    leave = await take().catch(() => undefined);
    if (leave !== undefined || ended) return;
    if (!told)
      log.warn(
        {},
        'another dockwall is running on this host (or something else has the socket @dockwall); this one guards all the same',
      );
    told = true;
    cancel = clock.after(retryAfter, () => void (trying = attempt()));
  };
  await (trying = attempt());
  return async () => {
    ended = true;
    cancel();
    await trying;
    await leave?.();
  };
}
