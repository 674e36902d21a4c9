import { countryCode } from '../../decide/net/country.ts';
import { didYouMean } from '../../decide/net/did-you-mean.ts';
import { safeUrl } from '../../decide/net/safe-url.ts';
import { show } from '../../decide/net/show.ts';
import type { ListFormat, LiveSource } from '../../decide/policy/config.ts';
import { milliseconds, timeWritten } from './duration.ts';
import { didYou, found, refuse, type Parsed, type Refusal } from './field.ts';
import type { PlainMap } from './plain.ts';
import { countryLists, presets } from './presets.ts';
import type { JsonSchema } from './written.ts';

/** The kinds of lists, by the key that says where the list is, with the options that go with it. */
export const listOptions = {
  url: ['refresh', 'format', 'path', 'mayShrink'],
  file: ['format', 'path', 'mayShrink'],
  preset: ['refresh', 'mayShrink'],
  country: ['refresh', 'mayShrink'],
} as const;

/** For the reference. */
export const listMeanings: Readonly<Record<(typeof listOptions)[ListKind][number], string>> = {
  refresh: 'How often it is loaded, from `10s` to `7d`; `24h` unless told.',
  format: '`lines` or `json`; lines unless there is a `path`.',
  path: 'The way to the networks in JSON, such as `prefixes.*.ip_prefix`; a YAML list where a key has a dot in it.',
  mayShrink: '`true`: it may be empty, and may lose more than two thirds of its networks at once.',
};

type ListKind = keyof typeof listOptions;
export const listKinds = Object.keys(listOptions) as readonly ListKind[];

const optionsWritten: Readonly<Record<keyof typeof listMeanings, JsonSchema>> = {
  refresh: timeWritten,
  format: { enum: ['lines', 'json'] },
  path: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: ['string', 'number'] } }] },
  mayShrink: { enum: [true, false, 'true', 'false'] },
};

const placesWritten: Readonly<Record<ListKind, JsonSchema>> = {
  url: {
    type: 'string',
    pattern: '^\\s*[Hh][Tt][Tt][Pp][Ss]:',
    description: 'The `https://` URL of a list of networks.',
  },
  file: {
    type: 'string',
    minLength: 1,
    description: 'The path of a file with networks, from the folder of this file.',
  },
  preset: { enum: Object.keys(presets), description: 'A well-known list.' },
  country: {
    type: 'string',
    pattern: '^\\s*[A-Za-z]{2}\\s*$',
    description: 'Two letters: the networks given out there.',
  },
};

/** For an editor: a list that is loaded, by the key that says where it is. */
export const listsWritten: readonly (readonly [ListKind, JsonSchema])[] = listKinds.map((kind) => {
  const options = listOptions[kind].map(
    (option) => [option, { ...optionsWritten[option], description: listMeanings[option] }] as const,
  );
  const properties = { [kind]: placesWritten[kind], ...Object.fromEntries(options) };
  return [kind, { type: 'object', properties, required: [kind], additionalProperties: false }];
});

const usualRefresh = 24 * 3_600_000;
/** Publishers shut out who asks all the time; and a timer of Node's holds 24 days at most. */
const refreshLimits = { least: '10s', most: '7d' } as const;

/** A list that is loaded: `{url: ...}`, `{file: ...}`, `{preset: ...}` or `{country: ...}` with its options. The last two may be several. */
export function parseList(kind: ListKind, input: PlainMap): Parsed<readonly LiveSource[]> {
  const known = [kind, ...listOptions[kind]] as readonly string[];
  const unknown = Object.keys(input).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    const problem = `${show(unknown)} is not a key of a list with \`${kind}\`: the keys are ${known.join(', ')}`;
    return { ...refuse(problem, didYou(didYouMean(unknown, known))), at: { key: unknown, part: 'key' } };
  }
  const place = text(input, kind, places[kind]);
  const format = parseFormat(input);
  const refresh = parseRefresh(input);
  const mayShrink = parseMayShrink(input);
  if (!place.ok) return place;
  if (!format.ok) return format;
  if (!refresh.ok) return refresh;
  if (!mayShrink.ok) return mayShrink;
  return sourcesAt(kind, place.value, {
    format: format.value,
    refresh: refresh.value,
    mayShrink: mayShrink.value,
  });
}

const places: Readonly<Record<ListKind, string>> = {
  url: 'the URL of a list',
  file: 'the path of a file',
  preset: 'the name of a preset',
  country: 'the two letters of a country',
};

interface Options {
  readonly format: ListFormat;
  readonly refresh: number;
  readonly mayShrink: boolean;
}

function sourcesAt(kind: ListKind, place: string, options: Options): Parsed<readonly LiveSource[]> {
  const { format, refresh, mayShrink } = options;
  switch (kind) {
    case 'url': {
      const url = parseUrl(place);
      return url.ok ? { ok: true, value: [{ kind, url: url.value, format, refresh, mayShrink }] } : url;
    }
    case 'file': {
      // eslint-disable-next-line no-control-regex
      if (/[\u0000-\u001F\u007F]/u.test(place))
        return at('file', refuse(`${show(place)} is not the path of a file`));
      return { ok: true, value: [{ kind, path: place, format, mayShrink }] };
    }
    case 'preset': {
      const names = Object.keys(presets);
      const lists = Object.hasOwn(presets, place) ? presets[place] : undefined;
      if (lists !== undefined)
        return { ok: true, value: lists.map((list) => ({ kind: 'url', ...list, refresh, mayShrink })) };
      const problem = `there is no preset ${show(place)}: the presets are ${names.join(', ')}`;
      return at('preset', refuse(problem, didYou(didYouMean(place, names))));
    }
    case 'country': {
      const code = countryCode(place);
      if (code === undefined)
        return at(
          'country',
          refuse(`${show(place)} is not a country: write its two letters, such as \`DE\``),
        );
      return {
        ok: true,
        value: countryLists(code).map((url) => ({ kind: 'url', url, format, refresh, mayShrink })),
      };
    }
  }
}

/** The URL as `URL` spells it. */
function parseUrl(input: string): Parsed<string> {
  const url = URL.parse(input);
  if (url === null || !/^https?:$/u.test(url.protocol))
    return at(
      'url',
      refuse(`${show(safeUrl(input))} is not a URL of a list: write \`https://\` and where it is`),
    );
  if (url.protocol === 'http:')
    return at(
      'url',
      refuse(
        `${show(safeUrl(input))} is not encrypted, and whoever is on the way could let themselves in: write \`https://\``,
      ),
    );
  if (url.username !== '' || url.password !== '')
    return at('url', refuse('a user name or password cannot stand in the URL of a list'));
  url.hash = '';
  return { ok: true, value: url.href };
}

function parseFormat(input: PlainMap): Parsed<ListFormat> {
  const { format, path } = input;
  const word = format === undefined ? undefined : text(input, 'format', 'a format');
  if (word?.ok === false) return word;
  const kind = word?.value ?? (path === undefined ? 'lines' : 'json');
  const kinds = ['lines', 'json'];
  if (!kinds.includes(kind)) {
    const problem = `there is no format ${show(kind)}: the formats are ${kinds.join(', ')}`;
    return at('format', refuse(problem, didYou(didYouMean(kind, kinds))));
  }
  if (kind === 'json') return parsePath(path);
  if (path === undefined) return { ok: true, value: { kind: 'lines' } };
  return at(
    'path',
    refuse('a path leads to the networks in JSON: leave out `format: lines`, or leave out the path'),
  );
}

/** `prefixes.*.ip_prefix`, or a YAML list where a key has a dot in it. */
function parsePath(path: unknown): Parsed<ListFormat> {
  const keys: readonly unknown[] =
    typeof path === 'string'
      ? path.split('.')
      : Array.isArray(path)
        ? path
        : path === undefined
          ? []
          : [path];
  const texts = keys.flatMap((key) => (typeof key === 'string' && key !== '' ? [key] : []));
  if (texts.length === keys.length) return { ok: true, value: { kind: 'json', path: texts } };
  const how = 'write the keys with dots between them, `*` for each entry of a list: `prefixes.*.ip_prefix`';
  return at('path', refuse(`${found(path)} is not a path: ${how}`));
}

function parseRefresh(input: PlainMap): Parsed<number> {
  if (input['refresh'] === undefined) return { ok: true, value: usualRefresh };
  const word = text(input, 'refresh', 'a time such as `24h`');
  if (!word.ok) return word;
  const { least, most } = refreshLimits;
  const value = milliseconds(word.value);
  if (value === undefined)
    return at(
      'refresh',
      refuse(
        `${show(word.value)} is not a time: write a number with \`s\`, \`m\`, \`h\` or \`d\`, such as \`24h\``,
      ),
    );
  if (value >= (milliseconds(least) ?? 0) && value <= (milliseconds(most) ?? 0)) return { ok: true, value };
  return at('refresh', refuse(`${show(word.value)} is not from ${show(least)} to ${show(most)}`));
}

function parseMayShrink(input: PlainMap): Parsed<boolean> {
  if (input['mayShrink'] === undefined) return { ok: true, value: false };
  const word = text(input, 'mayShrink', '`true` or `false`');
  if (!word.ok) return word;
  if (word.value === 'true' || word.value === 'false') return { ok: true, value: word.value === 'true' };
  return at('mayShrink', refuse(`${show(word.value)} stands where \`true\` or \`false\` should`));
}

function text(input: PlainMap, key: string, wanted: string): Parsed<string> {
  const value = input[key];
  if (typeof value === 'string' && value.trim() !== '') return { ok: true, value: value.trim() };
  return at(key, refuse(`${found(value === '' ? null : value)} stands where ${wanted} should`));
}

function at(key: string, refusal: Refusal): Refusal {
  return { ...refusal, at: { key, part: 'value' } };
}
