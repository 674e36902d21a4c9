/** One word of a saved rule: its value, and whether it stood in quotes. */
export interface Token {
  readonly value: string;
  readonly quoted: boolean;
}

/**
 * Lines of a saved rule set. iptables quotes what is not plain and escapes `"`, `\` and `'`, but not a
 * newline (libxtables, xtables_save_string), so a line ends at a newline outside quotes only.
 */
export function splitLines(text: string): readonly string[] {
  const lines: string[] = [];
  let pending: string | undefined;
  for (const line of text.split('\n')) {
    const whole = pending === undefined ? line : `${pending}\n${line}`;
    // Comments and chain lines never have quotes that matter.
    const open = whole.includes('"') && !whole.startsWith('#') && hasOpenQuote(whole);
    if (open) pending = whole;
    else {
      lines.push(whole);
      pending = undefined;
    }
  }
  if (pending !== undefined) lines.push(pending);
  return lines;
}

function hasOpenQuote(text: string): boolean {
  let open = false;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '\\' && open) i += 1;
    else if (text[i] === '"') open = !open;
  }
  return open;
}

/** The words of one line, as iptables-restore would read them (xshared.c, add_param_to_argv). */
export function tokenize(line: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const [, escaped, plain] of line.matchAll(/"((?:[^"\\]|\\[\s\S])*)"|([^\s"]+)/g)) {
    if (escaped === undefined) tokens.push({ value: plain ?? '', quoted: false });
    else tokens.push({ value: escaped.replaceAll(/\\([\s\S])/g, '$1'), quoted: true });
  }
  return tokens;
}
