import { diff } from 'node:util';

/** Ids stand for what a rule says, so that a change of one word would be two: they are left out. */
export function withoutIds(text: string): string {
  return text.replaceAll(/"dockwall:\S+ /g, '"dockwall:<id> ');
}

/**
 * What has to be done to the base to have the text, a line each: `- ` goes, `+ ` comes, and before each run of them, with two
 * blanks, the line of both that they follow, unless they are at the top. No numbers, so that a change of the base that is a
 * change of the text as well is none here.
 */
export function difference(base: string, text: string): string {
  const lines: string[] = [];
  let common: string | undefined;
  // of the second in the terms of the first, which util.diff calls the expected one: 1 comes, -1 goes
  for (const [operation, line] of diff(text.split('\n'), base.split('\n'))) {
    if (operation === 0) {
      common = `  ${line}`;
      continue;
    }
    if (common !== undefined) lines.push(common);
    common = undefined;
    lines.push(`${operation === 1 ? '+' : '-'} ${line}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** The text again: what `difference` says is enough. Throws where it is not of this base. */
export function applied(base: string, change: string): string {
  const left = base.split('\n');
  const made: string[] = [];
  for (const line of change.split('\n').slice(0, -1)) {
    const [sign, text] = [line.slice(0, 2), line.slice(2)];
    if (sign === '+ ') made.push(text);
    else if (sign === '- ') {
      if (left.shift() !== text) throw new Error(`the base has no line to go here: ${text}`);
    } else {
      const at = left.indexOf(text);
      if (at === -1) throw new Error(`the base has no line to follow: ${text}`);
      made.push(...left.splice(0, at + 1));
    }
  }
  return [...made, ...left].join('\n');
}
