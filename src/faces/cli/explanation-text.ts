import type { Explanation } from '../../decide/explain/model.ts';
import { tell, type ToldBlock } from '../../decide/explain/told.ts';
import { wrap } from '../../decide/report/text.ts';

/**
 * An explanation for a terminal: a line with the verdict for what is told of alike, below it the way and the kernel's word, then what to
 * try. @param width characters in a line; undefined where lines have no end
 */
export function explanationText(explanation: Explanation, width?: number): string {
  const { blocks, hints } = tell(explanation);
  const lines = [...blocks.flatMap(blockLines), ...hints.map((hint) => `  hint: ${hint}`)];
  return lines.flatMap((line) => wrap(line, width)).join('\n');
}

function blockLines({ outcome, asked, because, way, kernel, stops }: ToldBlock): readonly string[] {
  const more = [way === '' ? '' : `way: ${way}`, kernel].filter((words) => words !== '');
  return [
    `${outcome}: ${asked}: ${because}`,
    ...(more.length === 0 ? [] : [`  ${more.join('; ')}`]),
    ...stops.map((stop) => `  ${stop}`),
  ];
}
