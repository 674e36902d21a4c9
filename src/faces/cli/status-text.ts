import type { EngineFacts } from '../../decide/inventory/engine.ts';
import { agoText, roughSpan } from '../../decide/net/span.ts';
import { foldAlike } from '../../decide/policy/problem-line.ts';
import { unprotectedLines } from '../../decide/report/status-services.ts';
import type { LockStatus, WallStatus } from '../../decide/report/status-walls.ts';
import type { SourceStatus, Status } from '../../decide/report/status.ts';
import { columns, countText, harmless, wrap } from '../../decide/report/text.ts';
import { serviceTable, wide } from './status-table.ts';

/** Where the text is read. */
export interface Screen {
  /** Characters in a line; undefined where lines have no end (a file, a pipe). */
  readonly width: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The state as a page for a person: on a terminal of 80 columns ten services fit on a screen of 24 lines. */
export function statusText(status: Status, screen: Screen = { width: undefined, now: Date.now() }): string {
  const pending = status.upToDate ? [] : ['The kernel differs from what it should hold: see dockwall plan.'];
  const lines = [
    ...headLines(status),
    ...wallLines(status, screen.width === undefined),
    ...unprotectedText(status, screen),
    ...daemonLines(status, screen.now),
    ...status.notes.map((text) => `note: ${harmless(text, 400)}`),
    ...pending,
    ...uncoveredText(status.uncovered),
    '',
    tableText(status, screen.width),
    ...apart(
      [
        refusalLines(status, screen),
        sourceLines(status.sources, status.daemon !== null),
        problemLines(status.problems),
      ],
      screen.width,
    ),
  ];
  return lines.flatMap((line) => line.split('\n').flatMap((part) => wrap(part, screen.width))).join('\n');
}

/** Parts with a blank line before each; on a screen, where lines are dear, before the first only. */
function apart(parts: readonly (readonly string[])[], width: number | undefined): readonly string[] {
  const there = parts.filter((lines) => lines.length > 0);
  return there.flatMap((lines, index) => (index === 0 || width === undefined ? ['', ...lines] : lines));
}

function tableText({ services, groups }: Status, width: number | undefined): string {
  if (services.length === 0) return 'No container publishes a port.';
  const sizes = new Map(
    groups.map(({ name, networks, interfaces, ipsets }) => [name, networks + interfaces + ipsets]),
  );
  return serviceTable(services, sizes, width);
}

/** The fingerprint beside the engine: both are what hosts of a fleet are compared by. */
function headLines({ engine, policy }: Status): readonly string[] {
  const parts = [
    ...(engine === null ? [] : [engineText(engine)]),
    ...(policy === null ? [] : [`policy ${policy}`]),
  ];
  return parts.length === 0 ? [] : [parts.join('; ')];
}

function engineText({ version, apiVersion, firewall, liveRestore, swarm }: EngineFacts): string {
  const api = apiVersion === undefined ? [] : [`API ${apiVersion}`];
  const more = [
    ...api,
    ...(firewall === undefined ? [] : [firewall]),
    ...(liveRestore ? ['live-restore'] : []),
    ...(swarm === 'no' ? [] : [`Swarm ${swarm}`]),
  ];
  return harmless(`Docker ${version ?? '(version unknown)'}: ${more.join(', ')}`, 200);
}

/** Where both families stand alike, one line says so, unless lines are cheap. */
function wallLines({ walls, lock, engine }: Status, each: boolean): readonly string[] {
  const texts = walls.map((wall) => ({ family: `IPv${wall.family}`, text: wallText(wall, lock, engine) }));
  const [first] = texts;
  if (first !== undefined && !each && texts.every(({ text }) => text === first.text))
    return [`${texts.map(({ family }) => family).join(' and ')}: ${first.text}`];
  return texts.map(({ family, text }) => `${family}: ${text}`);
}

function wallText({ gate, front }: WallStatus, lock: LockStatus | null, engine: EngineFacts | null): string {
  const stands = (inPlace: boolean): string => (inPlace ? 'in place' : 'NOT IN PLACE');
  const why = engine?.firewall === 'nftables' ? " (Docker's nftables backend)" : '';
  const frontText =
    front === null
      ? `no DOCKER chain${why}: the gate stands alone`
      : `front ${stands(front.inPlace)} (${front.backend})`;
  const lockText =
    lock === null ? '' : lock.strength === null ? ', no lock' : `, lock ${stands(lock.inPlace)}`;
  return `gate ${stands(gate.inPlace)} (${gate.backend})${lockText}, ${frontText}`;
}

function daemonLines({ daemon, walls }: Status, now: number): readonly string[] {
  if (daemon === null) return ['The daemon does not answer: what it alone remembers is not shown.'];
  const ago = (date: string): number => Math.max(0, (now - Date.parse(date)) / 1000);
  const pass = daemon.lastPass === null ? 'no pass yet' : `last pass ${agoText(ago(daemon.lastPass))}`;
  const next =
    daemon.nextRun === null
      ? ''
      : `, next in ${roughSpan(-Math.min(0, (now - Date.parse(daemon.nextRun)) / 1000))}`;
  const repaired = walls.flatMap(({ family, gate, front }) =>
    [...gate.hooks, ...(front === null ? [] : [front])].flatMap(({ chain, repaired: times, since }) =>
      times === null || times === 0 || since === null
        ? []
        : [`${chain} (IPv${family}) ${times === 1 ? 'once' : `${times} times`}, ${agoText(ago(since))}`],
    ),
  );
  return [
    `dockwall ${harmless(daemon.dockwall, 30)}: up ${roughSpan(ago(daemon.startedAt))}, ${pass}${next}`,
    ...daemon.problems.map((problem) => `UNWELL: ${harmless(problem, 400)}`),
    ...(repaired.length === 0 ? [] : [`Put back since then: ${repaired.join('; ')}`]),
  ];
}

/** On a screen the first few. */
function unprotectedText({ services }: Status, { width }: Screen): readonly string[] {
  const lines = foldAlike(unprotectedLines(services), 3);
  const shown = width === undefined ? lines : lines.slice(0, 2);
  const more = lines.length - shown.length;
  return [
    ...shown.map((line) => `NOT PROTECTED: ${line}`),
    ...(more === 0 ? [] : [`NOT PROTECTED: ${more} more, see dockwall check`]),
  ];
}

function uncoveredText(names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const list = names.map((name) => harmless(name, 15)).join(', ');
  return [`NOT COVERED: what comes in by ${list} (see interfaces: in the configuration)`];
}

function refusalLines({ refusals }: Status, { width, now }: Screen): readonly string[] {
  const shown = refusals.slice(0, width === undefined || width >= wide ? refusals.length : 3);
  const rows = shown.map(({ source, port, protocol, services, packets, lastSeen }) => [
    `  ${source}`,
    `${port}/${protocol}`,
    harmless(services.join(', '), 60),
    countText(packets),
    agoText(Math.max(0, (now - Date.parse(lastSeen)) / 1000)),
  ]);
  return rows.length === 0
    ? []
    : [
        'Turned away last, and packets of each (more: dockwall blocked):',
        columns(rows, { width, flexible: [2] }),
      ];
}

/** Those that are well in one line; each that is not has its own. */
function sourceLines(sources: readonly SourceStatus[], known: boolean): readonly string[] {
  if (sources.length === 0) return [];
  const named = (list: readonly SourceStatus[]): string =>
    list.map(({ name }) => harmless(name, 40)).join(', ');
  if (!known) return [`Sources, of which only the daemon knows more: ${named(sources)}`];
  const well = sources.filter(({ error, ageSeconds }) => error === null && ageSeconds !== null);
  const oldest = Math.max(...well.map(({ ageSeconds }) => ageSeconds ?? 0));
  const summary =
    well.length === 0
      ? []
      : [
          `Sources: ${well.length} ${well.length === 1 ? 'is' : 'are'} well, last heard of within ${roughSpan(oldest)}`,
        ];
  const ill = sources.filter((source) => !well.includes(source));
  return [...summary, ...ill.map(illText)];
}

function illText({ name, networks, ageSeconds, error }: SourceStatus): string {
  const why = harmless(error ?? 'it has not answered yet', 120);
  const stands =
    ageSeconds === null
      ? 'it stands for nobody'
      : `its ${networks ?? 0} networks of ${agoText(ageSeconds)} stay in force`;
  return `Source ${harmless(name, 60)}: ${why}; ${stands}`;
}

function problemLines(problems: readonly string[]): readonly string[] {
  if (problems.length === 0) return [];
  return ['Problems (such a container opens nothing):', ...foldAlike(problems, 3).map((line) => `  ${line}`)];
}
