import { shorten, show } from '../../decide/net/show.ts';

/** One thing that is wrong (or, as a warning, odd) in the configuration, and where. */
export interface ConfigProblem {
  /** `/etc/dockwall/dockwall.yml:7:12`, `DOCKWALL_CONFIG:3:5` or `environment variable DOCKWALL_TRUSTED`. */
  readonly where: string;
  /** `groups.web[2]`; empty for the whole document. */
  readonly path: string;
  /** What was written, shortened, control characters escaped; empty where there is nothing to quote. */
  readonly value: string;
  /** A sentence that says what is wrong and what to write. */
  readonly problem: string;
  /** `did you mean ...?` */
  readonly hint?: string | undefined;
  /** The YAML line that holds the value; `row` and `column` count from 1. */
  readonly source?: SourceLine | undefined;
}

export interface SourceLine {
  readonly line: string;
  readonly row: number;
  readonly column: number;
}

/** Steps from the document's root: keys and list positions. */
export type Path = readonly (string | number)[];

/** `['groups', 'web', 2]` as `groups.web[2]`. */
export function pathText(path: Path): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${shorten(step)}`));
  return steps.join('').replace(/^\./u, '');
}

/** One line for a log or a terminal and, where the problem is in YAML, the source line with a caret below. */
export function formatProblem(problem: ConfigProblem): string {
  const parts = [problem.where, problem.path, problem.problem].filter((part) => part !== '');
  const quoted =
    problem.value === '' || problem.problem.includes(problem.value) ? '' : ` (found ${show(problem.value)})`;
  const hint = problem.hint === undefined ? '' : `; ${problem.hint}`;
  const first = `${parts.join(': ')}${quoted}${hint}`;
  return problem.source === undefined ? first : `${first}\n${excerpt(problem.source)}`;
}

const width = 100;

/** The line, or the part of a long one around the column. Control characters would move the caret. */
function excerpt({ line, column }: SourceLine): string {
  const from = Math.max(0, column - 1 - Math.floor(width / 2));
  const shown = line
    .slice(from, from + width)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
  return `    ${shown}\n    ${' '.repeat(column - 1 - from)}^`;
}
