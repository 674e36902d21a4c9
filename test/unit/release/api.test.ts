import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { ObservedRule, ObservedTable } from '../../../src/decide/diff/model.ts';
import { exitCodes } from '../../../src/faces/cli/exit-code.ts';
import { labelKeys } from '../../../src/reach/config/labels.ts';
import { otherVariables } from '../../../src/reach/config/layer.ts';
import { listOptions } from '../../../src/reach/config/list-source.ts';
import { listenShape } from '../../../src/reach/config/listen.ts';
import { configKeys, twins } from '../../../src/reach/config/schema.ts';
import { serviceShape } from '../../../src/reach/config/services.ts';
import { decisionFor, makeMetrics } from '../metrics/scraping.ts';

const root = new URL('../../../', import.meta.url);
const file = new URL('docs/api.md', root);

const introduction = `# The API

<!-- Made by test/unit/release/api.test.ts: UPDATE_DOCS=1 writes it. A line that goes is a major version, one that comes a minor: see releases.md. -->

Every name that [SemVer](releases.md#what-a-version-promises) counts. What they mean is said in [configuration.md](configuration.md), [monitoring.md](monitoring.md) and the README;
the fields of \`status --json\` are in [status.schema.json](status.schema.json), the shape of the configuration in [dockwall.schema.json](dockwall.schema.json).`;

/** `verb ARGUMENT --option`, as they are declared for commander. */
function verbs(): readonly string[] {
  const declared = ['src/faces/cli/program.ts', 'src/main.ts']
    .map((name) => new URL(name, root))
    .find((url) => existsSync(url));
  const [, ...parts] = readFileSync(declared ?? root, 'utf8').split(/\bverb\(\s*(?=')/u);
  return parts.map((part) => {
    const [, name = ''] = /^'([a-z-]+)'/u.exec(part) ?? [];
    const words = Array.from(
      part.matchAll(/\.(?:argument|option|requiredOption)\(\s*'([^']+)'/gu),
      ([, word = '']) => word,
    );
    return [name, ...words].join(' ');
  });
}

/** `name{label, label}` of each metric. */
async function metrics(): Promise<readonly string[]> {
  const told = makeMetrics();
  const docker: ObservedRule = { id: undefined, spec: '-j DOCKER', target: 'DOCKER' };
  const table = (name: string, chain: string): ObservedTable => ({
    family: 4,
    backend: 'nft',
    table: name,
    chains: new Map([[chain, [docker]]]),
  });
  const decision = decisionFor('web');
  const tables = [table('nat', 'PREROUTING'), table('filter', 'DOCKER')];
  told.passed({ ...decision, observed: { ...decision.observed, tables } }, 1);
  const text = await told.metricsText();
  const names = Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gmu), ([, name = '', type = '']) => {
    const [, labels = ''] = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\}`, 'mu').exec(text) ?? [];
    const keys = Array.from(labels.matchAll(/([a-z]+)="/gu), ([, key = '']) => key).filter(
      (key) => key !== 'le',
    );
    return `${name}${keys.length === 0 ? '' : `{${keys.join(', ')}}`} (${type})`;
  });
  return names.toSorted();
}

function list(title: string, names: readonly string[]): string {
  return `## ${title}\n\n${names.map((name) => `- \`${name}\``).join('\n')}`;
}

it('docs/api.md has every name of the API (UPDATE_DOCS=1 writes it)', async () => {
  const services = Object.keys(serviceShape);
  const labels = services.filter((key) => key !== 'match').map((key) => `dockwall.${key}`);
  const inside = (key: string, names: readonly string[]): readonly string[] =>
    names.map((name) => `${key}.${name}`);
  const keys = [
    ...configKeys,
    ...inside('services.NAME', services),
    ...inside('labels', labelKeys),
    ...inside('listen', Object.keys(listenShape)),
    ...Object.entries(listOptions).map(([kind, options]) => `{${[kind, ...options].join(', ')}}`),
    '{ipset, missing}',
  ];
  const codes = Object.entries(exitCodes).map(([name, code]) => `${code} ${name}`);
  const parts = [
    introduction,
    list('Labels', [...labels, 'dockwall.allow.PORT'].toSorted()),
    list('Keys of the configuration', keys),
    list('Variables', [...Object.values(twins), ...Object.keys(otherVariables)].toSorted()),
    list('Verbs', verbs()),
    list('Exit codes', codes),
    list('Metrics', await metrics()),
  ];
  const text = `${parts.join('\n\n')}\n`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(file, text);
  expect(readFileSync(file, 'utf8')).toBe(text);
});
