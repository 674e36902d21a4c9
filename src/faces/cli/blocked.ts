import type { PassParts } from '../../daemon/pass.ts';
import { agoText } from '../../decide/net/span.ts';
import { decide } from '../../decide/pass/decide.ts';
import type { Policy } from '../../decide/policy/model.ts';
import { columns, harmless, jsonText } from '../../decide/report/text.ts';
import { type Blocked, readBlocked } from '../../decide/wall/blocked.ts';
import { observingFor } from '../../decide/wall/observing.ts';
import { DockerError } from '../../reach/docker/client.ts';
import { type Context, runtimeFolder } from './context.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';
import { grant } from './grant.ts';
import { openParts, requireConfig } from './parts.ts';
import { readShown, writeShown } from './shown-list.ts';

export interface BlockedOptions {
  readonly json?: boolean | undefined;
  readonly all?: boolean | undefined;
  /** N, GROUP, TIME. */
  readonly grant?: readonly string[] | undefined;
}

/** `dockwall blocked`: who was turned away lately, from the kernel's own memory. `--grant N GROUP TIME` lets one of them in. */
export async function blocked(context: Context, options: BlockedOptions): Promise<ExitCode> {
  const inForce = await requireConfig(context);
  if (options.grant !== undefined) return grantShown(context, options.grant);
  const kept = inForce.config.blocked === 'on';
  const { found, observing } = kept
    ? await lookUp(context, await openParts(context, inForce))
    : { found: [], observing: false };
  if (options.json === true) {
    context.print(jsonText({ ...blockedJson(found, kept, Date.now()), observing }));
    return exitCodes.ok;
  }
  const shown = options.all === true ? found : found.slice(0, (context.screen?.rows ?? 24) - linesAround);
  await writeShown(runtimeFolder(context.env), shown);
  if (observing)
    context.print('OBSERVING: these WOULD be turned away; only who is denied is now. See dockwall suggest.');
  context.print(kept ? blockedText(shown, found.length - shown.length, context.screen?.columns) : notKept);
  return exitCodes.ok;
}

/** That the walls only look, head, what is left out, what `(guard)` means, how to go on, and the shell's next line. */
const linesAround = 7;

const notKept = 'Nobody is remembered here: the configuration says `blocked: off`.';

/** What one look has found; `policy` without services where Docker does not answer. */
export interface BlockedLook {
  readonly found: readonly Blocked[];
  readonly observing: boolean;
  readonly policy: Policy | undefined;
}

export async function lookUp(context: Context, parts: PassParts): Promise<BlockedLook> {
  const observed = await parts.kernel.observe();
  const observing = observingFor(observed.sets) > 0;
  try {
    const [snapshot, host] = await Promise.all([parts.list(), parts.host(observed)]);
    const { policy } = decide({ snapshot, host, observed }, parts.config());
    return { found: readBlocked(policy, observed.sets), observing, policy };
  } catch (error) {
    // Addresses are more than nothing, and the kernel knows them without Docker.
    if (!(error instanceof DockerError)) throw error;
    context.complain(`warning: ${error.message}; whose the ports are is not known`);
    return { found: readBlocked({ services: [] }, observed.sets), observing, policy: undefined };
  }
}

/** What `blocked --json` prints; times as dates, since a reader may come later. */
export function blockedJson(found: readonly Blocked[], kept: boolean, now: number): object {
  const date = (secondsAgo: number): string => new Date(now - secondsAgo * 1000).toISOString();
  const list = found.map(({ firstSeen, lastSeen, ...rest }) => ({
    ...rest,
    firstSeen: date(firstSeen),
    lastSeen: date(lastSeen),
  }));
  return { version: 1, kept, blocked: list };
}

/** As a table for a person, the latest first; numbers are for `--grant`. */
export function blockedText(shown: readonly Blocked[], more: number, width?: number): string {
  if (shown.length === 0) return 'Nobody was turned away in the last 24 hours.';
  const rows = shown.map(({ source, protocol, port, services, by, packets, lastSeen }, index) => [
    String(index + 1),
    source,
    `${port}/${protocol}`,
    by === 'guard' ? '(guard)' : harmless(services.join(', '), 60) || '-',
    String(packets),
    agoText(lastSeen),
  ]);
  return [
    columns([['N', 'SOURCE', 'PORT', 'SERVICE', 'PACKETS', 'LAST SEEN'], ...rows], { width, flexible: [3] }),
    ...(more > 0 ? [`and ${more} more: dockwall blocked --all`] : []),
    ...(shown.some(({ by }) => by === 'guard')
      ? ['(guard): no container publishes the port, and no service of the host is known to have it']
      : []),
    'To let one in for a while: dockwall blocked --grant N GROUP 2h',
  ].join('\n');
}

/** The list may have another order by now: the number is that of the list as it was shown. */
async function grantShown(context: Context, words: readonly string[]): Promise<ExitCode> {
  const [number, group, time] = words;
  if (number === undefined || group === undefined || time === undefined || words.length > 3)
    throw new UserError(
      exitCodes.bad,
      'write: dockwall blocked --grant N GROUP TIME, such as --grant 1 web 2h',
    );
  const shown = await readShown(runtimeFolder(context.env), Date.now());
  const source = shown?.[Number(number) - 1];
  if (shown === undefined)
    throw new UserError(exitCodes.bad, 'look at the list first, in this container: dockwall blocked');
  if (source === undefined || !/^\d+$/.test(number)) {
    const whole = `the list that was shown has the numbers 1 to ${shown.length}`;
    throw new UserError(exitCodes.bad, `there is no ${harmless(number, 20)} in it: ${whole}`);
  }
  return grant(context, group, { source, for: time });
}
