/**
 * The words that may stand in a restore file. Both tools read line by line and split at blanks, so text that
 * is none of these is refused before anything is written: it can never become an option, a rule or a line.
 */
const shapes = {
  table: /^[a-z]+$/,
  /** At most 28 bytes; iptables refuses a leading `-` or `!` itself. */
  chain: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,27}$/,
  /** At most 15 bytes; no `+` at the end, which would stand for any ending. */
  interface: /^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$/,
  set: /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,30}$/,
  'set type': /^[a-z]+(?:[:,][a-z]+)*$/,
  'set fields': /^(?:src|dst)(?:,(?:src|dst)){0,2}$/,
  network: /^[0-9a-f:.]+(?:\/\d{1,3})?$/,
  /** `ipset save` spelling of addresses, networks, `tcp:80`, names of sets, and `nomatch` where somebody set that. */
  member: /^[0-9A-Za-z_:][0-9A-Za-z:.,/_-]{0,120}(?: nomatch)?$/,
  protocol: /^(?:tcp|udp|sctp)$/,
  state: /^[A-Z]+(?:,[A-Z]+)*$/,
  'rule id': /^[A-Za-z0-9_-]{1,40}$/,
} as const;

/** `text`, if it is a word of that kind. Throws a TypeError that quotes it otherwise. */
export function word(kind: keyof typeof shapes, text: string): string {
  if (!shapes[kind].test(text)) throw new TypeError(`rendering a ${kind}: not writable: ${quote(text)}`);
  return text;
}

const longestNote = 255;

/** Text between the quotes of a comment. ipset knows no way to write a quote there, and reads line by line. */
export function note(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/["\\\0-\x1f\x7f]/.test(text) || Buffer.byteLength(text) > longestNote)
    throw new TypeError(`rendering a note: not writable: ${quote(text)}`);
  return text;
}

/** A number from 1 (or `least`) to `most`. Throws a TypeError otherwise. */
export function number(kind: string, value: number, { least = 1, most }: Range): string {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(`rendering a ${kind}: not a number from ${least} to ${most}: ${value}`);
  }
  return String(value);
}

interface Range {
  readonly least?: number;
  readonly most: number;
}

const longestSpec = 4000;

/**
 * A rule as `iptables-save` printed it, to be given back after `-D CHAIN`. iptables-restore reads pieces of
 * 10,239 bytes and ends a line at each newline, also within quotes (xtables-restore.c, fgets).
 * Throws a TypeError for text that would not stay one line.
 */
export function specText(spec: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (spec.length > longestSpec || /[\0-\x1f\x7f]/.test(spec)) {
    throw new TypeError(`rendering a rule to delete: not writable: ${quote(spec)}`);
  }
  return spec;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
