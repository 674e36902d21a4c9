/** The part of systemd that a generated unit needs: which commands it would run, word by word. */

/** Lines that end in a backslash go on in the next one, the backslash becoming a blank (systemd.syntax). */
function logicalLines(unit: string): readonly string[] {
  return unit
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n');
}

/** One command line as systemd splits it (systemd.service, "Command lines"; systemd.syntax, "Quoting"). */
function splitCommand(line: string): readonly string[] {
  const words: string[] = [];
  for (const [, double, single, plain] of line.matchAll(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+)/g)) {
    const text = double ?? single ?? plain ?? '';
    const unescaped = text.replaceAll(/\\(.)/g, (_, character: string) => {
      if (!`"'\\`.includes(character)) throw new Error(`systemd would make something else of \\${character}`);
      return character;
    });
    words.push(resolve(unescaped));
  }
  return words;
}

/** `%%` and `$$` are one each; a single one would be a specifier, or a variable of the unit's. */
function resolve(word: string): string {
  const rest = word.replaceAll('%%', '').replaceAll('$$', '');
  if (/[%$]/.test(rest)) throw new Error(`systemd would replace something in: ${word}`);
  return word.replaceAll('%%', '%').replaceAll('$$', '$');
}

/** The commands of one key of a unit, in order; a leading `-` (may fail) is told apart. */
export function unitCommands(
  unit: string,
  key: 'ExecStart' | 'ExecStop',
): readonly { readonly argv: readonly string[]; readonly mayFail: boolean }[] {
  return logicalLines(unit)
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1))
    .map((line) => ({ mayFail: line.startsWith('-'), argv: splitCommand(line.replace(/^-/, '')) }));
}
