/** What the YAML parser says (yaml 2.9), and what a person needs to hear; `$1` is what the parser quotes. */
const sentences: readonly (readonly [said: RegExp, words: string])[] = [
  [
    /^Flow sequence in block collection/u,
    'a list in brackets does not end before here: close it with `]`, and indent its lines more than its key',
  ],
  [
    /^Flow map in block collection/u,
    'a map in braces does not end before here: close it with `}`, and indent its lines more than its key',
  ],
  [/^Flow sequence must end/u, 'a list in brackets does not end: close it with `]`'],
  [/^Flow map must end/u, 'a map in braces does not end: close it with `}`'],
  [/^Missing closing (["'])quote/u, 'a quote before here does not end: close it with `$1`'],
  [
    /^Implicit keys need to be on a single line/u,
    'a key and its colon stand in one line (`key: value`): is a colon missing here?',
  ],
  [
    /^Implicit map keys need to be followed by map values/u,
    'a colon is missing after this key (`key: value`)',
  ],
  [
    /^All mapping items must start/u,
    'the keys of one map start in one column, and here is one that does not: check the spaces in front of it',
  ],
  [
    /^All sequence items must start|^A block sequence may not be used as an implicit map key/u,
    'the entries of one list start in one column, and here is one that does not: check the spaces in front of it',
  ],
  [
    /^Nested mappings are not allowed in compact mappings/u,
    'two keys in one line: start a new line after the first, or put quotes around a text with a colon in it',
  ],
  [/^Alias cannot be an empty string/u, '`*` needs quotes here: `"*"`'],
  [/^Plain value cannot start with .*(\S)$/u, 'a text that begins with `$1` needs quotes'],
  [/^Unexpected flow-(?:seq|map)-end token.*"(.)"$/u, '`$1` is one too many'],
  [/^Missing , (?:or : )?between flow/u, 'a comma is missing between two entries'],
  [
    /^Unexpected scalar at node end/u,
    'the value has ended before this: put quotes around all of it, or start a new line',
  ],
];

/** A message of the parser in plain words, with what to do; its own words where there are none for it. */
export function yamlWords(message: string): string {
  for (const [said, words] of sentences) {
    const found = said.exec(message);
    if (found !== null) return words.replace('$1', found[1] ?? '');
  }
  return message;
}
