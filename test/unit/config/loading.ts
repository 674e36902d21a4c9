import type { Config } from '../../../src/decide/policy/config.ts';
import type { Environment } from '../../../src/reach/config/layer.ts';
import { loadConfig } from '../../../src/reach/config/load.ts';
import { formatProblem, type ConfigProblem } from '../../../src/reach/config/problem.ts';
import { schemaErrors } from './schema-check.ts';

/** The configuration of this YAML text and these variables; fails the test where it is refused. */
export function config(text: string | undefined, env: Environment = {}): Config {
  const loaded = load(text, env);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  // what we take, an editor must not underline
  const underlined = text === undefined || 'DOCKWALL_CONFIG' in env ? [] : schemaErrors(text);
  if (underlined.length > 0) throw new Error(`docs/dockwall.schema.json: ${underlined.join('\n')}`);
  return loaded.config;
}

export function problems(text: string | undefined, env: Environment = {}): readonly ConfigProblem[] {
  const loaded = load(text, env);
  return loaded.ok ? [] : loaded.problems;
}

export function warnings(text: string | undefined, env: Environment = {}): readonly ConfigProblem[] {
  const loaded = load(text, env);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.warnings;
}

/** `3:5 groups.web[0]: the sentence; the hint`, as the messages say it, without the file's name. */
export function lines(found: readonly ConfigProblem[]): readonly string[] {
  return found.map(({ where, path, problem, hint }) => {
    const place = where.replace('dockwall.yml:', '').replace('environment variable ', '');
    return `${place} ${path}: ${problem}${hint === undefined ? '' : `; ${hint}`}`;
  });
}

function load(text: string | undefined, env: Environment): ReturnType<typeof loadConfig> {
  return loadConfig(text === undefined ? { env } : { file: { path: 'dockwall.yml', text }, env });
}
