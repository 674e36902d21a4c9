import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { show } from '../../decide/net/show.ts';
import { parseSourceWord } from '../../decide/net/source-word.ts';
import type { Listen } from '../../decide/policy/config.ts';
import { docs } from './docs.ts';
import { found, listField, mapOrField, type Parsed, refuse, textField } from './field.ts';
import { type JsonSchema, yesOrNo } from './written.ts';

type Place = Omit<Listen, 'names'>;

const port: JsonSchema = { type: 'integer', minimum: 1, maximum: 65_535 };

/** For an editor: a port, or a text that ends with one. */
function placeOr(word: string): JsonSchema {
  return { anyOf: [port, { type: 'string', pattern: `^(?:${word}(?:.*:)?[0-9]{1,5})$` }] };
}

const wanted = 'a port or an address with a port, such as `9117` or `127.0.0.1:9117`,';

/** The keys of the map that may stand there. */
export const listenShape = {
  address: textField(wanted, parsePlace, placeOr('')),
  public: textField('`yes` or `no`', parseYes, yesOrNo).optional(),
  names: listField(textField('a host name', parseName)).optional(),
};

/**
 * `off`; or a place: a port (of 127.0.0.1), `127.0.0.1:9117`, `[::1]:9117`; or a map of {@link listenShape}. Another address
 * than a loopback one needs `public: yes`.
 */
export function listenField(): z.ZodType<Listen | undefined> {
  const offOrPlace = (written: string): Parsed<Place | undefined> =>
    written === 'off' ? { ok: true, value: undefined } : parsePlace(written);
  const text = textField(wanted, offOrPlace, placeOr('off|')).transform(
    (place, context) => place && checked({ ...place, public: false, names: [] }, context),
  );
  const map = z
    .strictObject(listenShape, {
      error: ({ code, input }) =>
        code === 'invalid_type' ? `${found(input)} stands where ${wanted} should` : undefined,
    })
    .transform(({ address, public: open = false, names = [] }, context) =>
      checked({ ...address, public: open, names }, context),
    );
  return mapOrField<Listen | undefined>(map, text).register(docs, {
    type: '`off`, a port, an address with a port, or a map of `address`, `public` and `names`',
    meaning:
      'Where the [page](page.md) is served besides the unix socket: `9117` is `127.0.0.1:9117`. An address that others reach needs `public: yes`; `names` are host names by which a browser may ask for it.',
  });
}

function checked(listen: Listen & { readonly public: boolean }, context: z.RefinementCtx): Listen {
  const { address, port, names } = listen;
  if (listen.public || isLoopback(address)) return { address, port, names: [...new Set(names)] };
  const input = `${hostText(address)}:${port}`;
  context.issues.push({ code: 'custom', message: beyondLoopback(listen), input });
  return z.NEVER;
}

/** Whether only the host itself reaches it. */
export function isLoopback(address: string): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'));
}

/** A sentence where others than the host itself may reach the page, or undefined. */
export function listenConflict(listen: Listen | undefined): string | undefined {
  if (listen === undefined || isLoopback(listen.address)) return undefined;
  const { address, port } = listen;
  return `the page at \`${hostText(address)}:${port}\` asks nobody for a password: whoever reaches it sees every service, source and address; let only those in who may see that`;
}

/** An address as it stands before `:PORT`. */
export function hostText(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}

function beyondLoopback({ address, port }: Place): string {
  const place = show(`${hostText(address)}:${port}`);
  return `${place} can be reached from outside this host, and the page shows names and addresses to whoever asks: write \`127.0.0.1:${port}\`, or, if that is meant, \`{address: "${hostText(address)}:${port}", public: yes}\``;
}

function parsePlace(text: string): Parsed<Place> {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?(\d{1,5})$/u.exec(text) ?? [];
  const address = bracketed ?? (plain === 'localhost' ? '127.0.0.1' : plain) ?? '127.0.0.1';
  if (isIPv6(text)) return refuse(`${show(text)} has no port: write \`[${text}]:9117\``);
  if (isIPv4(text) || digits === '')
    return refuse(`${show(text)} is not ${wanted.replace(/,$/u, '')}, nor \`off\``);
  // A zone would have to be a link-local address, which no browser can write.
  const known = bracketed === undefined ? isIPv4(address) : isIPv6(address) && !address.includes('%');
  if (!known)
    return refuse(
      `${show(address)} is not an address: write an IPv4 address, or an IPv6 address in brackets`,
    );
  const port = Number(digits);
  if (port < 1 || port > 65_535) return refuse(`${show(digits)} is not a port: those go from 1 to 65535`);
  return { ok: true, value: { address, port } };
}

/** Both ways in which YAML writes it. */
const yesWords: Readonly<Record<string, boolean>> = { yes: true, true: true, no: false, false: false };

function parseYes(text: string): Parsed<boolean> {
  const value = Object.hasOwn(yesWords, text) ? yesWords[text] : undefined;
  return value === undefined
    ? refuse(`${show(text)} stands where \`yes\` or \`no\` should`)
    : { ok: true, value };
}

function parseName(text: string): Parsed<string> {
  const parsed = parseSourceWord(text);
  if (parsed?.ok === true && parsed.word.kind === 'name') return { ok: true, value: parsed.word.name };
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/iu.test(text)) return { ok: true, value: text.toLowerCase() };
  return refuse(
    `${show(text)} is not a host name: write what stands in the browser's address, without \`https://\` and port`,
  );
}
