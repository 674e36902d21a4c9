import type { Explanation, Path } from '../explain/model.ts';
import { becauseWords, kernelWords, outcomeWords, pathWords, stopWords, wayWords } from '../explain/words.ts';

/** An explanation for a terminal: a line with the verdict for each path, below it the way and the kernel's word, then what to try. */
export function explanationText({ paths, notes }: Explanation): string {
  const hints = [...notes, ...paths.flatMap((path) => path.hints)].map(({ text }) => `  hint: ${text}`);
  return [...paths.flatMap(pathLines), ...new Set(hints)].join('\n');
}

function pathLines(path: Path): readonly string[] {
  const way = path.way.length === 0 ? [] : [`way: ${wayWords(path.way)}`];
  const kernel = kernelWords(path.kernel);
  const more = [...way, ...(kernel === '' ? [] : [kernel])];
  return [
    `${outcomeWords(path)}: ${pathWords(path)}: ${becauseWords(path.because)}`,
    ...(more.length === 0 ? [] : [`  ${more.join('; ')}`]),
    ...path.others.map((stop) => `  ${stopWords(stop)}`),
  ];
}
