import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { loadConfig } from '../../src/reach/config/load.ts';
import type { Snapshot } from '../../src/decide/inventory/docker-json.ts';
import { readDetails, readNetwork, readServiceDetails, readSummary, sorted } from '../../src/decide/inventory/read-docker.ts';
import { type HostFacts, readInventory } from '../../src/decide/inventory/read-inventory.ts';
import type { Cidr } from '../../src/decide/net/network.ts';
import { protocols } from '../../src/decide/net/port.ts';
import type { ConfigInForce } from '../../src/decide/pass/decide.ts';

/** One moment of a scenario. */
export interface Moment {
  readonly snapshot: Snapshot;
  readonly host: HostFacts;
}

/** A folder of test/golden: Docker's JSON over time, and a configuration. */
export interface Scenario {
  readonly name: string;
  readonly folder: URL;
  readonly config: ConfigInForce;
  /** Sets that something else keeps there, as `ipset save` prints them; mostly none. */
  readonly foreign: string;
  readonly moments: readonly Moment[];
}

const host = z.object({
  interfaces: z.array(
    z.object({
      name: z.string(),
      networks: z.array(z.string().transform((text) => text as Cidr)),
      kind: z.string().optional(),
      master: z.string().optional(),
    }),
  ),
  bridgedSeen: z.boolean().optional(),
  /** Bridges of networks that are not there. */
  missing: z.array(z.string()).optional(),
  listeners: z.array(
    z.object({
      family: z.union([z.literal(4), z.literal(6)]),
      address: z.literal('any'),
      protocol: z.enum(protocols as ['tcp', 'udp', 'sctp']),
      port: z.number(),
    }),
  ),
});

const identified = z.looseObject({ Id: z.string() });

const steps = z.array(
  z.object({
    containers: z.array(z.unknown()),
    details: z.array(identified),
    networks: z.array(identified),
    services: z.array(z.unknown()).optional(),
    host: host.optional(),
  }),
);

const here = new URL('./', import.meta.url);

export function readScenarios(): readonly Scenario[] {
  return readdirSync(here, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => readScenario(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readScenario(name: string): Scenario {
  const folder = new URL(`./${name}/`, here);
  const text = readFileSync(new URL('config.yml', folder), 'utf8');
  const loaded = loadConfig({ file: { path: `${name}/config.yml`, text }, env: {} });
  if (!loaded.ok) throw new Error(`golden ${name}: ${JSON.stringify(loaded.problems)}`);
  const docker = steps.parse(JSON.parse(readFileSync(new URL('docker.json', folder), 'utf8')));
  const foreign = new URL('foreign.restore', folder);
  return {
    name,
    folder,
    foreign: existsSync(foreign) ? readFileSync(foreign, 'utf8') : '',
    config: { config: loaded.config, lockedDown: false },
    moments: docker.map(({ containers, details, networks, services, host }) => {
      const snapshot: Snapshot = {
        containers: sorted(containers.map(readSummary)).found,
        networks: sorted(networks.map((item) => readNetwork(item.Id, item))).found,
        services: services && sorted(services.map(readServiceDetails)).found,
        details: new Map(details.map((item) => [item.Id, readDetails(item.Id, item)])),
      };
      return { snapshot, host: withBridges(snapshot, host) };
    }),
  };
}

/** The bridge of each network is there, unless the scenario says otherwise. */
function withBridges(snapshot: Snapshot, said: z.infer<typeof host> | undefined): HostFacts {
  const { interfaces = [], missing = [], listeners = [], ...rest } = said ?? {};
  const bridges = readInventory(snapshot, { interfaces: [], listeners: [] }).networks.flatMap(({ bridge }) =>
    bridge === undefined || missing.includes(bridge) ? [] : [bridge],
  );
  const others = bridges.filter((name) => !interfaces.some((one) => one.name === name));
  return {
    ...rest,
    listeners,
    interfaces: [
      ...interfaces.map((one) => ({
        ...one,
        kind: one.kind ?? (bridges.includes(one.name) ? 'bridge' : 'device'),
      })),
      ...others.map((name) => ({ name, networks: [], kind: 'bridge' })),
    ],
  };
}
