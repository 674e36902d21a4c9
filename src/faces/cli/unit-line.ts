/** One word for the shell. */
function quote(line: string): string {
  return `'${line.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * A command line for systemd, a line of the script on each: it reads backslash, quote, `%` and `$` itself, and makes a blank
 * of a backslash at the end of a line (systemd.syntax, systemd.service).
 */
export function shellLine(key: string, shell: string, script: readonly string[]): string {
  const escaped = script.map((line) =>
    line.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$'),
  );
  return `${key}/bin/${shell} "${escaped.join(' \\\n  ')}"`;
}

/** What a script prints for a program that reads it: a line of the unit for each line. */
export function printLines(text: string): readonly string[] {
  const lines = text.trimEnd().split('\n');
  return [String.raw`printf '%s\n'`, ...lines.map((line) => `  ${quote(line)}`)];
}

/** A unit that does its work once, and stays: the lines before its commands, and those after them. */
export const serviceLines = ['', '[Service]', 'Type=oneshot', 'RemainAfterExit=yes'];
export const installLines = ['', '[Install]', 'WantedBy=multi-user.target'];
