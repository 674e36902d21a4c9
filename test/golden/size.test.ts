import { expect, it } from 'vitest';
import { renderScenario } from './render.ts';
import { readScenarios } from './scenario.ts';

const scenario = readScenarios().find(({ name }) => name === 'nginx-proxy');
const texts = scenario && renderScenario(scenario);
const count = (name: string, line: RegExp): number => texts?.get(name)?.match(line)?.length ?? 0;

it('the stack of compose.example.yml has no more sets, chains and rules than today', () => {
  expect({
    sets: count('sets.restore', /^create /gm),
    chains: count('v4.rules', /^:DOCKWALL-/gm) + count('v6.rules', /^:DOCKWALL-/gm),
    rules: count('v4.rules', /^-[AI] /gm),
  }).toEqual({ sets: 38, chains: 22, rules: 79 });
});
