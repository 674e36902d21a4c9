import { describe, expect, it } from 'vitest';
import { diff, diffAway } from '../../../src/decide/diff/diff.ts';
import type { Observed, ObservedRule, ObservedTable } from '../../../src/decide/diff/model.ts';
import { summarize } from '../../../src/decide/diff/summary.ts';
import { families } from '../../../src/decide/net/network.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { render } from '../../../src/decide/wall/render.ts';
import { makeConfig, makeContainer, makeInventory, peerList, ports } from '../policy/inventories.ts';

const rule = (spec: string, target?: string): ObservedRule => ({ id: undefined, spec, target });

const docker = families.flatMap((family): readonly ObservedTable[] => {
  const jump = [rule('-j DOCKER', 'DOCKER')];
  const place = { family, backend: 'nft' } as const;
  return [
    {
      ...place,
      table: 'nat',
      chains: new Map([
        ['PREROUTING', jump],
        ['DOCKER', []],
      ]),
    },
    {
      ...place,
      table: 'filter',
      chains: new Map([
        ['FORWARD', jump],
        ['DOCKER', []],
      ]),
    },
  ];
});

function observe(changes: Partial<Observed>): Observed {
  return { backends: ['nft'], families: [4, 6], tables: docker, sets: [], foreign: [], ...changes };
}

const set = { type: 'hash:net', family: 4, expiring: true, members: new Map([['203.0.113.4', 0]]) } as const;

describe('summarize', () => {
  it('says a first pass in three lines and what they mean', () => {
    const trusting = makeConfig({ trusted: peerList(['203.0.113.4']) });
    const web = makeContainer('web', { labels: { 'dockwall.public': '80' }, ports: ports('80:80') });
    const plan = diff(render(resolve(makeInventory([web]), trusting), 'asked'), observe({}));
    expect(summarize(plan).map((line) => line.replaceAll(/\b\d+ /g, 'N '))).toEqual([
      '+ N sets, N members: who may reach what, what is counted, who was turned away',
      '+ the gate (table mangle, IPv4 and IPv6, nft): N chains, N rules, N jumps; drops whoever may not reach a published port',
      '+ the front (table filter, IPv4 and IPv6, nft): N chains, N rules, N jumps; the second wall, in front of what Docker accepts',
    ]);
  });

  it('says what down takes away, whatever is left of us', () => {
    const tables = families.map((family): ObservedTable => ({
      family,
      backend: 'legacy',
      table: 'mangle',
      chains: new Map([
        ['PREROUTING', [rule('-j DOCKWALL-GATE', 'DOCKWALL-GATE')]],
        ['DOCKWALL-GATE', [rule('-j RETURN'), rule('-j DROP')]],
      ]),
    }));
    const sets = [
      { ...set, name: 'dockwall4-trusted' },
      { ...set, name: 'dockwall4-deny' },
    ];
    expect(summarize(diffAway(observe({ backends: ['legacy'], tables, sets })))).toEqual([
      '- the gate (table mangle, IPv4 and IPv6, legacy): 2 chains, 4 rules, 2 jumps; nothing looks at who asks for a published port any more',
      '- 2 sets; grants end, and who was turned away is forgotten',
    ]);
  });

  it('says of a change no more than how much it is', () => {
    const plan = {
      sets: [{ kind: 'replace-members', set, members: ['x'], added: 1, removed: 30 } as never],
      tables: [
        {
          family: 4,
          backend: 'nft',
          table: 'mangle',
          changes: [{ kind: 'delete-rule', chain: 'DOCKWALL-GATE', position: 1, spec: '-j DROP' }],
        } as const,
      ],
      destroy: [],
    };
    expect(summarize(plan)).toEqual([
      '+ 1 member of sets',
      '- 30 members of sets',
      '- the gate (table mangle, IPv4, nft): 1 rule',
    ]);
  });
});
