import { didYouMean } from '../../decide/net/did-you-mean.ts';
import { shorten, show } from '../../decide/net/show.ts';
import { didYou } from './field.ts';
import type { ConfigProblem } from './problem.ts';
import { type ConfigKey, configKeys, twins } from './schema.ts';
import { readYaml, readYamlMap, type YamlMap, type YamlText } from './yaml-text.ts';

/** One source of configuration: a document, or one variable. Later layers win, key by key. */
export type Layer = YamlMap;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that are no key's twin. */
export const otherVariables: Readonly<Record<string, string>> = {
  DOCKWALL_CONFIG: 'The whole configuration as YAML, in place of the file.',
  DOCKWALL_CONFIG_FILE: 'The path of the configuration file, in place of `/etc/dockwall/dockwall.yml`.',
  DOCKWALL_STATE_DIR:
    'The directory for what names and lists last meant and the last good configuration, which a restart goes by; `/var/lib/dockwall` unless told.',
  DOCKWALL_RUNTIME_DIR: 'The directory for what lasts until the next boot only.',
};

/** A variable's text; empty is the same as not set, as compose's `${NAME:-}` leaves it. */
export function variable(env: Environment, name: string): string | undefined {
  const text = env[name];
  return text === undefined || text.trim() === '' ? undefined : text;
}

/** Keys whose values are maps, so that their variables hold YAML. */
const maps: ReadonlySet<ConfigKey> = new Set(['groups', 'services', 'labels']);

/** One layer for each variable that is set and is a key's twin. */
export function environmentLayers(env: Environment): readonly Layer[] {
  return configKeys.flatMap((key) => {
    const text = variable(env, twins[key]);
    if (text === undefined) return [];
    const yaml = { name: twins[key], text };
    if (maps.has(key)) return [yamlTwin(key, yaml, readYamlMap)];
    if (readsYaml(key, text)) return [yamlTwin(key, yaml, readYaml)];
    const place = { where: `environment variable ${twins[key]}` };
    return [{ value: { [key]: text }, problems: [], unreadable: false, locate: () => place }];
  });
}

/** A list or a map as YAML writes it in one line. The page's address may begin with a bracket: `[::1]:9117`. */
function readsYaml(key: ConfigKey, text: string): boolean {
  const begins = text.trimStart().charAt(0);
  return begins === '{' || (begins === '[' && key !== 'listen');
}

function yamlTwin(key: string, yaml: YamlText, read: typeof readYaml): Layer {
  const { value, problems, locate, unreadable } = read(yaml);
  return {
    value: unreadable ? {} : { [key]: value },
    problems: problems.map((problem) => under(key, problem)),
    unreadable,
    locate: (path, part) => locate(path.slice(1), part),
  };
}

function under(key: string, problem: ConfigProblem): ConfigProblem {
  return { ...problem, path: problem.path === '' ? key : `${key}.${problem.path}` };
}

/** A misspelt variable would silently leave a wall lower than meant. */
export function unknownVariables(env: Environment): readonly ConfigProblem[] {
  const known = [...Object.values(twins), ...Object.keys(otherVariables)];
  const unknown = Object.keys(env).filter(
    (name) => /^dockwall_/iu.test(name) && env[name] !== undefined && !known.includes(name),
  );
  return unknown.toSorted().map((name) => {
    const hint = didYou(didYouMean(name, known));
    return {
      where: `environment variable ${shorten(name)}`,
      path: '',
      // The value is left out: whatever it is, it may be secret.
      value: '',
      problem: `dockwall does not know ${show(name)} and leaves it aside`,
      hint,
    };
  });
}
