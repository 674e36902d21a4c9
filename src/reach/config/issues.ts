import type { z } from 'zod';
import { didYouMean } from '../../decide/net/did-you-mean.ts';
import { shorten, show } from '../../decide/net/show.ts';
import { matchKeys } from '../../decide/policy/config.ts';
import { didYou } from './field.ts';
import { labelKeys } from './labels.ts';
import type { Layer } from './layer.ts';
import { listenShape } from './listen.ts';
import { pathText, type ConfigProblem, type Path } from './problem.ts';
import { configKeys, type ConfigKey } from './schema.ts';
import { serviceShape } from './services.ts';

type Issue = z.core.$ZodIssue;

/** What zod found wrong with one key of a layer, with the places in the layer's text. */
export function issueProblems(
  layer: Layer,
  key: ConfigKey,
  issues: readonly Issue[],
): readonly ConfigProblem[] {
  return issues.flatMap((issue) => {
    const path: Path = [key, ...(issue.path as (string | number)[])];
    if (issue.code === 'unrecognized_keys') {
      const known = key === 'services' && path.length === 3 ? matchKeys : knownKeys(key);
      return issue.keys.map((name) => unknownKey(layer, [...path, name], known));
    }
    const params = issue.code === 'custom' ? issue.params : undefined;
    return [
      {
        ...layer.locate(path, params?.['part'] === 'key' ? 'key' : 'value'),
        path: pathText(path),
        value: valueText(issue.input),
        problem: issue.message,
        hint: params?.['hint'] as string | undefined,
      },
    ];
  });
}

/** The keys of the maps that may stand below a key. */
function knownKeys(key: ConfigKey): readonly string[] {
  if (key === 'labels') return labelKeys;
  return Object.keys(key === 'listen' ? listenShape : serviceShape);
}

/** Keys of a document that are none of the configuration's. */
export function unknownKeys(layer: Layer): readonly ConfigProblem[] {
  const unknown = Object.keys(layer.value).filter((name) => !configKeys.some((key) => key === name));
  return unknown.map((name) => unknownKey(layer, [name], configKeys));
}

function unknownKey(layer: Layer, path: Path, known: readonly string[]): ConfigProblem {
  const name = String(path.at(-1));
  const hint = didYou(didYouMean(name, known));
  return {
    ...layer.locate(path, 'key'),
    path: pathText(path),
    value: shorten(name),
    problem: `${show(name)} is not a key here: the keys are ${known.join(', ')}`,
    hint,
  };
}

function valueText(input: unknown): string {
  if (input === undefined || input === null) return '';
  return shorten(typeof input === 'string' ? input : JSON.stringify(input));
}
