import { LineCounter, parseDocument, type Document, type YAMLError } from 'yaml';
import { shorten } from '../../decide/net/show.ts';
import { locator, start } from './locate.ts';
import { isPlainMap, toPlain, type Plain, type PlainMap } from './plain.ts';
import { pathText, type ConfigProblem, type Path, type SourceLine } from './problem.ts';
import { yamlWords } from './yaml-words.ts';

/** YAML text under the name that messages give it: a file's path or a variable. */
export interface YamlText {
  readonly name: string;
  readonly text: string;
}

/** Where a value stands in its text. */
interface Place {
  readonly where: string;
  readonly source?: SourceLine | undefined;
}

interface YamlValue<T extends Plain> {
  readonly value: T;
  readonly problems: readonly ConfigProblem[];
  /** True where `value` lacks what the text says. */
  readonly unreadable: boolean;
  /** The place of a value, or of its key; of the nearest parent where it does not exist. */
  readonly locate: (path: Path, part: 'key' | 'value') => Place;
}

export type YamlMap = YamlValue<PlainMap>;

/** One broken quote can make every later line an error; the first few tell it. */
const mostErrors = 10;

/** One YAML document that is a map; an empty one is an empty map. Never throws: all that is wrong is in `problems`. */
export function readYamlMap(yaml: YamlText): YamlMap {
  const { value, problems, unreadable, locate } = readYaml(yaml);
  const wrongShape = unreadable ? undefined : mapProblem(value);
  const shape =
    wrongShape === undefined || problems.length > 0 ? [] : [problemAt(locate([], 'value'), [], wrongShape)];
  return {
    value: isPlainMap(value) ? value : {},
    problems: [...problems, ...shape],
    unreadable: unreadable || wrongShape !== undefined,
    locate,
  };
}

/** One YAML document of any shape; null where it cannot be read. Never throws. */
export function readYaml(yaml: YamlText): YamlValue<Plain> {
  const lines = new LineCounter();
  const root = compose(yaml, lines);
  const at = (offset: number): Place => placeOf(yaml, lines, offset);
  if (typeof root === 'string')
    return { value: null, problems: [problemAt(at(0), [], root)], unreadable: true, locate: () => at(0) };
  const offsetOf = locator(root.contents, yaml.text);
  const locate = (path: Path, part: 'key' | 'value'): Place => at(offsetOf(path, part));
  const errors = [...root.errors, ...root.warnings].slice(0, mostErrors);
  if (errors.length > 0) {
    const problems = errors.map((error) => problemAt(at(error.pos[0]), [], syntaxProblem(error)));
    return { value: null, problems, unreadable: true, locate };
  }
  const { value, problems: shapes } = toPlain(root.contents);
  const problems = shapes.map(({ at: node, path, problem }) =>
    problemAt(at(start(node) ?? 0), path, problem),
  );
  return { value, problems, unreadable: false, locate };
}

/**
 * `uniqueKeys` compares each key with all others (minutes for a map of 100,000): `toPlain` looks for
 * duplicates instead.
 */
function compose(yaml: YamlText, lineCounter: LineCounter): Document.Parsed | string {
  try {
    return parseDocument(yaml.text, { lineCounter, prettyErrors: false, uniqueKeys: false });
  } catch (error) {
    return `this cannot be read as YAML: ${shorten(String(error), 200)}`;
  }
}

function problemAt(place: Place, path: Path, problem: string): ConfigProblem {
  return { ...place, path: pathText(path), value: '', problem };
}

function mapProblem(value: Plain): string | undefined {
  if (value === null || isPlainMap(value)) return undefined;
  const found = typeof value === 'string' ? 'text' : 'a list';
  return `this is ${found}, and should be keys with values (\`key: value\`)`;
}

function syntaxProblem(error: YAMLError): string {
  const { code } = error;
  // The parser quotes what it met, control characters and all.
  const message = shorten(error.message, 200);
  if (code === 'MULTIPLE_DOCS')
    return 'a second document starts here: write everything in one, without `---` between';
  if (code === 'TAB_AS_INDENT') return 'YAML is not indented with tabs: use spaces';
  if (code === 'TAG_RESOLVE_FAILED') return `${message}: leave the tag out`;
  return `this is not YAML: ${yamlWords(message)}`;
}

function placeOf({ name, text }: YamlText, lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  // An empty text has no first line, and linePos answers 0.
  const [row, column] = [Math.max(1, line), Math.max(1, col)];
  const start = lines.lineStarts[row - 1] ?? 0;
  const end = lines.lineStarts[row] ?? text.length;
  const source = { line: text.slice(start, end).replace(/[\r\n]+$/u, ''), row, column };
  return { where: `${name}:${row}:${column}`, source };
}
