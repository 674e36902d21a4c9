import type { z } from 'zod';
import { wholeFamily } from '../../decide/net/merge-networks.ts';
import { show } from '../../decide/net/show.ts';
import type { Config } from '../../decide/policy/config.ts';
import { withoutBadEntries } from './bad-entries.ts';
import { issueProblems, unknownKeys } from './issues.ts';
import { environmentLayers, unknownVariables, variable, type Environment, type Layer } from './layer.ts';
import { hostText, listenConflict } from './listen.ts';
import { connmarkConflict, markConflict } from './mark.ts';
import { anyProblem } from './peers.ts';
import { isPlainMap, type Plain } from './plain.ts';
import type { ConfigProblem } from './problem.ts';
import { configKeys, configShape, defaults, type ConfigKey } from './schema.ts';
import { readYamlMap } from './yaml-text.ts';

/** Everything that a configuration is made from. */
export interface ConfigInput {
  readonly file?: { readonly path: string; readonly text: string };
  readonly env: Environment;
}

export type LoadedConfig =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly ConfigProblem[] }
  | {
      readonly ok: false;
      readonly problems: readonly ConfigProblem[];
      /** What is left without the bad entries of its lists; undefined where more than those is wrong. */
      readonly rest: Config | undefined;
    };

type Draft = { -readonly [K in ConfigKey]?: Config[K] };

/**
 * The configuration with every default filled in, or everything that is wrong with it. Later sources win key
 * by key (file, or `DOCKWALL_CONFIG` in its place; then one variable a key), but a wrong value is a problem
 * also where a later one replaces it.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const layers = [...documentLayers(input), ...environmentLayers(input.env)];
  const inForce = configShape(groupNames(layers));
  const replaced = configShape(undefined);
  const draft: Draft = {};
  const origins = new Map<ConfigKey, Layer>();
  const problems: ConfigProblem[] = [];
  let forgivable = true;
  for (const [index, layer] of [defaultLayer, ...layers].entries()) {
    const found = [...layer.problems, ...unknownKeys(layer)];
    forgivable &&= found.length === 0;
    for (const key of configKeys) {
      const value = layer.value[key];
      // A key with nothing after it, as when its entries are commented out, is a key that is not there.
      if (value === undefined || value === null) continue;
      // A value that a later layer replaces may name groups that a later layer replaces too.
      const shape = layers.slice(index).some((later) => (later.value[key] ?? null) !== null)
        ? replaced
        : inForce;
      const issues = parseInto(draft, shape, { key, value });
      found.push(...issueProblems(layer, key, issues));
      forgivable &&=
        issues.length === 0 ||
        parseRest(draft, shape, { key, value: withoutBadEntries({ key, value }, issues) });
      origins.set(key, layer);
    }
    problems.push(...onePerPlace(found).toSorted(byPlace));
  }
  if (!forgivable) return { ok: false, problems, rest: undefined };
  const config = draft as Config;
  const everybody = everybodyMeant(config, origins);
  if (everybody.length > 0) return { ok: false, problems: [...problems, ...everybody], rest: undefined };
  if (problems.length > 0) return { ok: false, problems, rest: config };
  const warnings = [...unknownVariables(input.env), ...replacedFile(input), ...oddValues(config, origins)];
  return { ok: true, config, warnings };
}

const defaultLayer: Layer = {
  value: defaults,
  problems: [],
  unreadable: false,
  locate: () => ({ where: 'defaults' }),
};

function documentLayers({ file, env }: ConfigInput): readonly Layer[] {
  const inline = variable(env, 'DOCKWALL_CONFIG');
  if (inline !== undefined) return [readYamlMap({ name: 'DOCKWALL_CONFIG', text: inline })];
  return file === undefined ? [] : [readYamlMap({ name: file.path, text: file.text })];
}

/** The names of the groups that will be in force; undefined where some text could not be read. */
function groupNames(layers: readonly Layer[]): readonly string[] | undefined {
  if (layers.some((layer) => layer.unreadable)) return undefined;
  const groups: Plain = layers.findLast((layer) => isPlainMap(layer.value['groups']))?.value['groups'] ?? {};
  return isPlainMap(groups) ? Object.keys(groups).toSorted() : [];
}

/** What is wrong with the shape of a value comes first, and makes its meaning wrong as well. */
function onePerPlace(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ where, path, source }) => {
    const place = source === undefined ? `${where} ${path}` : where;
    return !seen.has(place) && seen.add(place);
  });
}

function byPlace({ source: a }: ConfigProblem, { source: b }: ConfigProblem): number {
  return a === undefined || b === undefined ? 0 : a.row - b.row || a.column - b.column;
}

interface Entry<K extends ConfigKey> {
  readonly key: K;
  readonly value: Plain;
}

function parseInto<K extends ConfigKey>(
  draft: Draft,
  shape: { readonly [P in K]: z.ZodType<Config[P]> },
  { key, value }: Entry<K>,
): readonly z.core.$ZodIssue[] {
  const result = shape[key].safeParse(value, { reportInput: true });
  if (!result.success) return result.error.issues;
  (draft as { [P in K]?: Config[P] })[key] = result.data;
  return [];
}

/** Whether what is left is good, which is in the draft then. */
function parseRest<K extends ConfigKey>(
  draft: Draft,
  shape: { readonly [P in K]: z.ZodType<Config[P]> },
  { key, value }: { readonly key: K; readonly value: Plain | undefined },
): boolean {
  return value !== undefined && parseInto(draft, shape, { key, value }).length === 0;
}

function replacedFile({ file, env }: ConfigInput): readonly ConfigProblem[] {
  const replaced = file?.path ?? variable(env, 'DOCKWALL_CONFIG_FILE');
  if (variable(env, 'DOCKWALL_CONFIG') === undefined || replaced === undefined) return [];
  return [
    {
      where: 'environment variable DOCKWALL_CONFIG',
      path: '',
      value: '',
      problem: `this stands in place of the file ${show(replaced)}, which is not read`,
    },
  ];
}

/** `any` in other words, where that is refused: written out, in parts, or by the name of a group. */
function everybodyMeant(config: Config, origins: ReadonlyMap<ConfigKey, Layer>): readonly ConfigProblem[] {
  return (['trusted', 'deny'] as const).flatMap((key) => {
    const { networks, groups } = config[key];
    const named = groups.flatMap((group) => config.groups.get(group)?.networks ?? []);
    const everybody = wholeFamily([...networks, ...named]);
    if (everybody === undefined) return [];
    const place = (origins.get(key) ?? defaultLayer).locate([key], 'value');
    return [{ ...place, path: key, value: everybody, problem: anyProblem(key, everybody) }];
  });
}

/** What is allowed and hardly meant. */
function oddValues(config: Config, origins: ReadonlyMap<ConfigKey, Layer>): readonly ConfigProblem[] {
  const odd = (key: ConfigKey, value: string, problem: string | undefined): readonly ConfigProblem[] => {
    const place = (origins.get(key) ?? defaultLayer).locate([key], 'value');
    return problem === undefined ? [] : [{ ...place, path: key, value, problem }];
  };
  const { mark, connmark, listen } = config;
  return [
    ...odd('mark', `0x${mark.toString(16)}`, markConflict(mark)),
    ...odd('connmark', `0x${connmark.toString(16)}`, connmarkConflict(connmark, mark)),
    ...odd(
      'listen',
      listen === undefined ? '' : `${hostText(listen.address)}:${listen.port}`,
      listenConflict(listen),
    ),
  ];
}
