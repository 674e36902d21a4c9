import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { releasedCompose } from '../../../scripts/release/compose.ts';
import { documents } from '../../docs/blocks.ts';
import {
  type ComposePort,
  type ComposeService,
  declaredPorts,
  portsOf,
  readCompose,
} from '../../docs/compose.ts';
import { policyFor, readConfiguration } from '../../docs/judge.ts';
import { configFile, readRecipes, recipeFiles, recipesDir } from '../../docs/recipes.ts';

// What can be told of docs/recipes without an engine. Who really gets in is test/lab/scenarios/recipes.test.ts.

/** Files without a table "who reaches what" in the README, and where they are judged by packets instead. */
const judgedElsewhere: Readonly<Record<string, string>> = {
  'hardened.compose.yml': 'npm run demo and the lab suite, started as that file says',
  'socket-proxy.compose.yml': 'the lab suite, behind a socket proxy',
  'swarm.stack.yml': 'the lab suite, as a service of a swarm',
};

const textOf = (file: string): string => readFileSync(path.join(recipesDir, file), 'utf8');
const example = readCompose(readFileSync(path.join(recipesDir, '../../compose.example.yml'), 'utf8'));
const recipes = readRecipes();

/** The file that a stack gives to every host under `configs:`. */
const sharedConfig = (file: string): string | undefined => {
  const [, name] = /^ +file: (.*dockwall\.yml)$/m.exec(textOf(file)) ?? [];
  return name === undefined ? undefined : textOf(name);
};

/** The sidecar but for what may differ; a dockwall.yml is one mount more. */
function sidecarOf({ dockwall }: Readonly<Record<string, ComposeService>>): unknown {
  const { image: _image, build: _build, environment: _environment, ...rest } = dockwall ?? { volumes: [] };
  const volumes = (dockwall?.volumes ?? []).filter((volume) => !String(volume).includes(':/etc/dockwall'));
  return { ...rest, volumes };
}

describe.each(recipeFiles())('docs/recipes/%s', (file) => {
  const services = readCompose(textOf(file));

  it('is named in a document, and somebody judges it by packets', () => {
    expect(documents().filter(({ text }) => text.includes(file))).not.toEqual([]);
    expect([...recipes.map((recipe) => recipe.file), ...Object.keys(judgedElsewhere)]).toContain(file);
  });

  it('can be released with the image of a version', () => {
    expect(releasedCompose(textOf(file), 'example/dockwall:1.2.3')).toContain(
      'image: example/dockwall:1.2.3\n',
    );
  });

  it('names a version of each image', () => {
    const { dockwall: _, ...others } = services;
    const loose = Object.values(others).filter(({ image }) => !/:[^/]*\d[^/]*$/.test(image ?? ''));
    expect(loose.map(({ image }) => image)).toEqual([]);
  });

  it('has labels without a problem', () => {
    const { dockwall } = services;
    const recipe = recipes.find((one) => one.file === file);
    const { config, complaints } = readConfiguration(
      dockwall?.environment ?? {},
      recipe ? configFile(recipe) : sharedConfig(file),
    );
    expect(complaints).toEqual([]);
    const { dockwall: _, ...others } = services;
    expect(config && policyFor(others, config).complaints).toEqual([]);
    expect(
      config && policyFor(others, config).policy.services.filter(({ undeclared }) => undeclared),
    ).toEqual([]);
  });
});

describe.each(recipes)('docs/recipes: $title', ({ services, claims }) => {
  it('says of each port who reaches it, for a stranger too, and of each that it is open to somebody', () => {
    const covers = ({ host, protocol }: ComposePort): boolean =>
      claims.some((claim) => claim.protocol === protocol && claim.first <= host && host <= claim.last);
    const { dockwall: _, ...others } = services;
    const ports = Object.values(others).flatMap((one) => [...portsOf(one), ...declaredPorts(one)]);
    expect(ports.filter((port) => !covers(port))).toEqual([]);
    const columns = claims.filter(({ who }) => who === 'anybody');
    expect(claims.filter(({ who }) => who === 'you')).toHaveLength(columns.length);
    for (const port of ports.filter(covers))
      expect(
        columns.filter(
          (one) => one.protocol === port.protocol && one.first <= port.host && port.host <= one.last,
        ),
      ).toHaveLength(1);
    expect(columns.length).toBeGreaterThan(0);
    const never = columns.filter(
      (column) =>
        !claims.some(
          ({ first, protocol, open }) => open && first === column.first && protocol === column.protocol,
        ),
    );
    expect(never).toEqual([]);
  });

  it('has the sidecar of compose.example.yml, but for image and environment', () => {
    expect(sidecarOf(services)).toEqual(sidecarOf(example));
  });
});
