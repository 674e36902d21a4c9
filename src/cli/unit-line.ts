/** One word for the shell. */
export function quote(line: string): string {
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
