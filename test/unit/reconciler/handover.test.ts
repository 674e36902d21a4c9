import { describe, expect, it } from 'vitest';
import type { Container, Network } from '../../../src/inventory/model.ts';
import { resolve } from '../../../src/policy/resolve.ts';
import { handover } from '../../../src/reconciler/handover.ts';
import { render } from '../../../src/ruleset/render.ts';
import { cidr, makeConfig, makeContainer, makeInventory, ports } from '../policy/inventories.ts';

/** IPv4 changes when this container dies or goes, the two halves of all addresses as `*`. */
function changes(
  containers: readonly Container[],
  event: 'die' | 'destroy',
  networks: readonly Network[] = [],
): readonly string[] {
  const inventory = makeInventory(containers, { networks });
  const config = makeConfig();
  const ruleset = render(resolve(inventory, config), 'asked');
  const sets = handover({ inventory, config, ruleset }, 'id-of-open', event);
  const words = sets.flatMap((change) =>
    'member' in change && change.set.startsWith('dockwall4-')
      ? [`${change.kind} ${change.set.slice(10)} ${change.member.replace(/^(0|128)\.0\.0\.0\/1/, '*')}`]
      : [],
  );
  return [...new Set(words)];
}

const open = makeContainer('open', { labels: { 'dockwall.public': '*' }, ports: ports('8001:80') });
const heir = makeContainer('heir', { active: false, ports: ports('8001:80') });

describe('handover', () => {
  it('closes the port of a container that has died, where another one claims it and opens less', () => {
    expect(changes([open, heir], 'die')).toEqual(['delete-member public *,tcp:8001']);
  });

  it('leaves a port alone that nobody rivals, or that a rival opens as well', () => {
    expect(changes([open], 'die')).toEqual([]);
    expect(changes([open, { ...heir, ports: ports('8002:80') }], 'die')).toEqual([]);
    expect(changes([open, { ...heir, labels: open.labels }], 'die')).toEqual([]);
  });

  it('closes the port of a container that is gone for good', () => {
    expect(changes([open], 'destroy')).toEqual(['delete-member public *,tcp:8001']);
  });

  it('closes an address without NAT, which the next container may be given', () => {
    const networks = [{ id: 'n', name: 'own', driver: 'bridge', bridge: 'br-n', routed: [4, 6] as const }];
    const endpoints = [{ networkId: 'n', address: cidr('172.30.0.9') }];
    const routed = { ...open, ports: ports(':80'), endpoints };
    expect(changes([routed], 'die', networks)).toEqual(['delete-member r-public 172.30.0.9,tcp:80']);
  });

  it('has nothing to say of a container that it does not know', () => {
    expect(changes([heir], 'die')).toEqual([]);
  });
});
