import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clash, isLoopback } from '../../../src/decide/inventory/host-port.ts';
import type { HostPort } from '../../../src/decide/inventory/model.ts';
import type { Cidr } from '../../../src/decide/net/network.ts';
import { cut } from '../../../src/decide/net/port-run.ts';
import type { GroupName } from '../../../src/decide/policy/config.ts';
import { settleConflicts } from '../../../src/decide/policy/conflicts.ts';
import type { PeerRule, Reach, Service, ServicePort } from '../../../src/decide/policy/model.ts';

// Claims to the same ports, settled all together, against the rules written down for one port of one claim at a time.

const addresses = ['any', '192.0.2.1', '192.0.2.2', '127.0.0.1'] as const;
const family = fc.constantFrom(4 as const, 6 as const);
const everyone = { label: 'dockwall.public', value: '*' };

const rules = (names: readonly string[]): readonly PeerRule[] =>
  names.map((name) => ({
    peer: { kind: 'group', name: name as GroupName },
    reason: { label: 'a', value: name },
  }));

const reach: fc.Arbitrary<Reach> = fc
  .record({
    open: fc.boolean(),
    allow: fc.subarray(['a', 'b', 'c']),
    deny: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray(['d', 'e'])),
  })
  .map(({ open, allow, deny }) => ({
    everyone: open ? everyone : undefined,
    allow: rules(allow),
    deny: rules(deny),
  }));

const port: fc.Arbitrary<ServicePort> = fc
  .record({
    family,
    address: fc.constantFrom(...addresses),
    hostPort: fc.integer({ min: 1, max: 12 }),
    count: fc.integer({ min: 1, max: 8 }),
    oneOf: fc.boolean(),
    unbound: fc.constantFrom(undefined, undefined, 'runs' as const, 'restarts' as const),
    reach,
  })
  .map(({ oneOf, unbound, hostPort, count, address, ...rest }) => ({
    ...rest,
    address: address as 'any' | Cidr,
    hostPort,
    ...(count === 1 ? {} : { count }),
    containerPort: hostPort,
    protocol: 'tcp',
    loopback: isLoopback({ address: address as 'any' | Cidr }),
    lapsed: false,
    ...(oneOf && count > 1 ? { oneOf: true as const } : {}),
    ...(unbound === undefined ? {} : { unbound }),
  }));

const service: fc.Arbitrary<Service> = fc
  .record({
    active: fc.boolean(),
    portsFrom: fc.constantFrom('docker' as const, 'label' as const, 'configuration' as const),
    ports: fc.array(port, { maxLength: 4 }),
    endpoints: fc.subarray([{ networkId: 'n', address: '172.18.0.2' as Cidr, routed: true }]),
  })
  .map((rest) => ({
    ...rest,
    containerId: 'c',
    name: 'c',
    composeService: undefined,
    swarmService: undefined,
    description: '',
    undeclared: false,
    unprotected: [],
  }));

const holds = fc.array(
  fc.record({
    family,
    address: fc.constantFrom(...addresses).map((address) => address as 'any' | Cidr),
    protocol: fc.constant('tcp' as const),
    port: fc.integer({ min: 1, max: 20 }),
  }),
  { maxLength: 4 },
);

interface Claim {
  readonly service: Service;
  readonly port: ServicePort;
}

const single = (run: ServicePort): readonly ServicePort[] =>
  cut(
    run,
    Array.from({ length: run.count ?? 1 }, (_, index) => index),
  );
const eachOf = (services: readonly Service[]): readonly Claim[] =>
  services.flatMap((one) => one.ports.flatMap(single).map((each) => ({ service: one, port: each })));
const namesOf = (list: readonly PeerRule[]): readonly string[] =>
  list.map(({ peer }) => (peer.kind === 'group' ? peer.name : peer.network));
const show = ({ port: { family: of, hostPort, address, lapsed, reach: now, ownReach } }: Claim): string =>
  JSON.stringify({
    port: `${of} ${address} ${hostPort}`,
    lapsed,
    opens: now.everyone === undefined ? [...new Set(namesOf(now.allow))].sort() : 'everybody',
    denies: namesOf(now.deny),
    own: ownReach,
  });

const runs = ({ service: { active }, port: { unbound } }: Claim): boolean => active && unbound === undefined;
const publishes = ({ service: { portsFrom } }: Claim): boolean => portsFrom === 'docker';

interface World {
  readonly known: readonly HostPort[];
  readonly judged: readonly HostPort[];
  readonly unknown: boolean;
}

/** Whether the host has a claim's port, or the same one of the other family, which Docker would not do without. */
function isHeld(holdsOf: readonly HostPort[], { service: { ports }, port: asked }: Claim): boolean {
  const here = (one: ServicePort): boolean =>
    holdsOf.some((place) => place.port === asked.hostPort && clash(place, one));
  const others = ports.filter((one) => one.oneOf !== true && one.family !== asked.family);
  return here(asked) || (asked.oneOf !== true && others.some(here));
}

function settledAlone(claim: Claim, all: readonly Claim[], { known, judged, unknown }: World): Claim {
  const { service: one, port: asked } = claim;
  if (asked.loopback) return claim;
  const rivals = all.filter(
    ({ port: other }) =>
      !other.loopback &&
      other.family === asked.family &&
      other.hostPort === asked.hostPort &&
      (other.address === 'any' || asked.address === 'any' || other.address === asked.address),
  );
  const [mine, has] = [runs(claim), rivals.some(runs)];
  const publishing = rivals.filter(publishes);
  const isLabel = one.portsFrom === 'label';
  const silent =
    (!mine && has) ||
    (!publishes(claim) && publishing.some(runs)) ||
    (isLabel && rivals.some(({ service: { portsFrom } }) => portsFrom === 'configuration'));
  const shut = silent || (isLabel && publishing.length > 0) || (unknown && (isLabel || !mine));
  const asGood = rivals.filter(
    (other) => !mine || (runs(other) && other.service.portsFrom === one.portsFrom),
  );
  const narrow = asGood.filter(({ port: { reach: said } }) => said.everyone === undefined);
  const named = narrow.map(({ port: { reach: said } }) => said.allow);
  const [first = [], ...rest] = named;
  const common = first.filter(({ peer }) =>
    rest.every((list) => list.some((other) => JSON.stringify(other.peer) === JSON.stringify(peer))),
  );
  const opens = narrow.length === 0 ? { everyone, allow: [] } : { everyone: undefined, allow: common };
  const starts = one.endpoints.length > 0 && asked.unbound !== 'runs';
  const isKnown = isHeld(known, claim);
  const lapsed = mine
    ? one.portsFrom === 'label' && isKnown
    : isKnown || (!starts && !has && isHeld(judged, claim));
  const own = one.endpoints.length > 0 && asked.family === 4 ? { ownReach: asked.reach } : {};
  const now = {
    ...(shut ? { everyone: undefined, allow: [] } : opens),
    deny: silent ? [] : asked.reach.deny,
  };
  return { service: one, port: { ...asked, ...own, lapsed, reach: now } };
}

describe('claims to the same ports', () => {
  it('are settled as each port of each would be by itself', () => {
    fc.assert(
      fc.property(
        fc.array(service, { minLength: 1, maxLength: 5 }),
        holds,
        holds,
        fc.boolean(),
        (services, known, judged, unknown) => {
          const settled = settleConflicts(
            services,
            { hostListeners: known, judgedListeners: judged },
            unknown,
          );
          const all = eachOf(services);
          const alone = all.map((claim) => settledAlone(claim, all, { known, judged, unknown }));
          expect(eachOf(settled).map(show)).toEqual(alone.map(show));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('stay whole where the same comes of each of their ports', () => {
    const row = (name: string, count: number, ports: number): Service => ({
      containerId: name,
      name,
      composeService: undefined,
      swarmService: undefined,
      active: true,
      description: '',
      undeclared: false,
      portsFrom: name === 'single' ? 'docker' : 'label',
      endpoints: [],
      unprotected: [],
      ports: Array.from({ length: ports }, (_, index) => ({
        family: 4,
        address: 'any',
        protocol: 'tcp',
        hostPort: 1 + 2 * index,
        containerPort: 1 + 2 * index,
        ...(count === 1 ? {} : { count }),
        reach: { everyone: undefined, allow: [], deny: [] },
        loopback: false,
        lapsed: false,
      })),
    });
    const services = [row('wide', 32_767, 1), row('wide too', 32_767, 1), row('single', 1, 100)];
    const settled = settleConflicts(services, { hostListeners: [], judgedListeners: [] }, false);
    expect(settled.map(({ ports }) => ports.length)).toEqual([1, 1, 100]);
  });
});
