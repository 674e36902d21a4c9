import { styleText } from 'node:util';
import { columns, fold } from '../../decide/report/text.ts';
import type { Line } from './model.ts';

/** Of a line in a file or a pipe, and on a terminal wider than is good to read. */
const widest = 100;
/** Of the text beside its topic, whatever the terminal has. */
const narrowest = 30;
const colours = { ok: 'green', note: 'yellow', problem: 'red' } as const;

/**
 * For a person: one thing a line, what to do below it. Colours where standard output is a terminal that wants them (NO_COLOR).
 * @param screen characters in a line of the terminal, where there is one
 */
export function doctorText(lines: readonly Line[], screen = widest): string {
  const width = Math.min(screen, widest);
  const heads = columns(lines.map(({ kind, topic }) => [kind, topic, '|'])).split('\n');
  const counts = (['problem', 'note'] as const).map(
    (kind) => lines.filter((line) => line.kind === kind).length,
  );
  const [problems = 0, notes = 0] = counts;
  const words = [
    problems === 0 ? 'no problem' : problems === 1 ? '1 problem' : `${problems} problems`,
    notes === 1 ? '1 note' : `${notes} notes`,
  ];
  return [
    ...lines.map((line, index) => lineText(line, heads[index]?.slice(0, -1) ?? '', width)),
    '',
    `${words.join(', ')}.`,
  ].join('\n');
}

function lineText({ kind, text, advice }: Line, head: string, width: number): string {
  const indent = ' '.repeat(head.length);
  const room = Math.max(narrowest, width - head.length);
  const said = fold(text, room);
  const todo = advice === undefined ? [] : fold(`-> ${advice}`, room);
  const [first = '', ...rest] = [...said, ...todo];
  const coloured = head.replace(kind, styleText(colours[kind], kind));
  return [`${coloured}${first}`, ...rest.map((line) => `${indent}${line}`)].join('\n');
}
