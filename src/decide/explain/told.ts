import type { Explanation, Path, Step } from './model.ts';
import { becauseWords, kernelWords, outcomeWords, pathsWords, stopWords, wayWords } from './words.ts';

/** An explanation as a person reads it, on a terminal and on the page. JSON has one entry for each path instead. */
export interface Told {
  readonly blocks: readonly ToldBlock[];
  /** What to know or to try. */
  readonly hints: readonly string[];
}

/** What is said once of all paths that differ only by port or family. */
export interface ToldBlock {
  readonly verdict: Path['verdict'];
  /** Rules of others surely stop what dockwall lets in. */
  readonly stopped: boolean;
  readonly outcome: string;
  /** Who asks for what: `203.0.113.7 -> web, ports 80/tcp and 443/tcp`. */
  readonly asked: string;
  readonly because: string;
  /** Where the packet goes; empty where that is not told. */
  readonly way: string;
  /** Whether the kernel agrees; empty where nothing is to be said. */
  readonly kernel: string;
  /** Rules of others on the way. */
  readonly stops: readonly string[];
}

/** The words of an explanation, each said once. */
export function tell({ paths, notes }: Explanation): Told {
  const blocks = [...Map.groupBy(paths, likeness).values()].map(block);
  const hints = [...notes, ...paths.flatMap((path) => path.hints)].map(({ text }) => text);
  return { blocks: blocks.filter((one) => one !== undefined), hints: [...new Set(hints)] };
}

/** Equal for paths that differ by port and family only: what is said of them is the same. */
function likeness(path: Path): string {
  const { source, sourceName, destination, service, verdict, kernel } = path;
  return JSON.stringify([
    sourceName ?? source,
    path.interface,
    destination,
    service,
    verdict,
    becauseWords(path.because),
    path.way.map(({ kind }) => kind),
    kernel.kind === 'agrees' ? kernel.kind : kernelWords(kernel),
    path.others.map(stopWords),
  ]);
}

function block(paths: readonly Path[]): ToldBlock | undefined {
  const [path] = paths;
  if (path === undefined) return undefined;
  return {
    verdict: path.verdict,
    stopped: path.verdict === 'allowed' && path.others.some(({ certain }) => certain),
    outcome: outcomeWords(path),
    asked: pathsWords(path, paths),
    because: becauseWords(path.because),
    way: path.way.map((step, index) => stepsWords(step, paths, index)).join(', '),
    kernel: kernelWords(path.kernel, paths),
    stops: path.others.map(stopWords),
  };
}

/** Steps of one kind as one: `Docker's DNAT to 172.17.0.2:80 and 172.17.0.2:443`. */
function stepsWords(step: Step, paths: readonly Path[], index: number): string {
  const places = new Set(paths.flatMap(({ way }) => placeOf(way[index]) ?? []));
  const [first, ...others] = places;
  const few = others.slice(0, 2);
  const more = others.length - few.length;
  const words = wayWords([step]);
  if (first === undefined || others.length === 0) return words;
  return [words, ...few, ...(more === 0 ? [] : [`${more} more`])].join(' and ');
}

function placeOf(step: Step | undefined): string | undefined {
  return step?.kind === 'DNAT' || step?.kind === 'routed' ? step.to : undefined;
}
