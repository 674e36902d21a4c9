import type { z } from 'zod';
import type { Config } from '../../decide/policy/config.ts';
import { docs } from './docs.ts';
import { durationField } from './duration.ts';
import { choice } from './field.ts';
import { interfacesField } from './interfaces.ts';
import { labelsField } from './labels.ts';
import { listenField } from './listen.ts';
import { markField } from './mark.ts';
import { groupsField, peersField } from './peers.ts';
import type { Plain } from './plain.ts';
import { scheduleField } from './schedule.ts';
import { servicesField } from './services.ts';

export type ConfigKey = keyof Config;
type ConfigShape = { readonly [K in ConfigKey]: z.ZodType<Config[K]> };

/**
 * The schema of each top-level key, documented for the reference. `groups` are the names that `trusted` and
 * `deny` may use; undefined accepts every name.
 */
export function configShape(groups: readonly string[] | undefined): ConfigShape {
  const peers = 'list of sources and group names';
  return {
    default: choice(['closed', 'open']).register(docs, {
      type: '`closed` or `open`',
      meaning:
        'What the published ports of a container without labels are: closed to all but `trusted`, or open to everybody.',
    }),
    interfaces: interfacesField(),
    schedule: scheduleField(),
    driftCheck: durationField({ least: '500ms' }).register(docs, {
      type: 'time such as `3s`, or `off`',
      meaning:
        'How often sets and iptables-legacy rules are looked at for changes by others, which the kernel does not tell; those of nft are seen at once.',
    }),
    mark: markField('packet').register(docs, {
      type: 'one bit of 32, hexadecimal or decimal',
      meaning:
        'The bit of the packet mark that says "passed the gate". Must not be used by anything else on the host.',
    }),
    connmark: markField('connection').register(docs, {
      type: 'one bit of 32, hexadecimal or decimal',
      meaning:
        'The bit of the connection mark (conntrack) that says "refused since it began". Another bit than `mark`, and not used by anything else on the host.',
    }),
    trusted: peersField('trusted', groups).register(docs, {
      type: peers,
      meaning: 'Sources that reach every published port of every container.',
    }),
    deny: peersField('deny', groups).register(docs, {
      type: peers,
      meaning: 'Sources that reach no published port; this comes before everything else.',
    }),
    groups: groupsField().register(docs, {
      type: 'map of names to lists of sources',
      meaning: 'Named sources, for labels and for the lists above. Built in: `any`, `private`, `connected`.',
    }),
    services: servicesField().register(docs, {
      type: 'map of names of containers, compose services or swarm services to the keys below',
      meaning:
        "Labels for containers that cannot be labelled now; key by key they replace the container's own. With `match` an entry is for [many containers](#an-entry-for-many-containers).",
    }),
    labels: labelsField(groups).register(docs, {
      type: 'map of the keys [below](#what-labels-may-say)',
      meaning:
        'What the labels of containers may say, for hosts to which several people or a panel deploy. Entries under `services` are not bound by it.',
    }),
    guard: choice(['on', 'off']).register(docs, {
      type: '`on` or `off`',
      meaning:
        "Whether a port on which something new listens is reached from outside only when Docker has said that it is not a container's (about a second; UDP from 32768 up 5 to 20). `off` leaves ports that Docker chooses open over IPv6 for the first moment of each start.",
    }),
    listen: listenField(),
    maxGrant: maxGrantField(),
    ...toldShape(),
  };
}

/** What dockwall keeps and tells of what it does. */
function toldShape(): Pick<ConfigShape, 'blocked' | 'logLevel' | 'logFormat'> {
  return {
    blocked: choice(['on', 'off']).register(docs, {
      type: '`on` or `off`',
      meaning:
        'Whether the kernel keeps who was turned away (address and port, for a day, a few thousand at most), for `dockwall blocked`. `off`: no address is kept, and what is kept is thrown away.',
    }),
    logLevel: choice(['debug', 'info', 'warn', 'error']).register(docs, {
      type: '`debug`, `info`, `warn` or `error`',
      meaning: 'How much is logged.',
    }),
    logFormat: choice(['text', 'json']).register(docs, {
      type: '`text` or `json`',
      meaning:
        'Lines for people (`TZ` counts), or JSON for programs: a line each, with the same sentence as `msg`.',
    }),
  };
}

/** ipset's longest timeout is 2,147,483 s. */
function maxGrantField(): z.ZodType<number> {
  return durationField({ least: '1s', most: '24d' }).register(docs, {
    type: 'time such as `24h`, or `off`',
    meaning: 'The longest time for which `dockwall grant` lets a source in; `off`: not at all.',
  });
}

/** What stands where nothing is configured, as it would be written. */
export const defaults: Readonly<Record<ConfigKey, Plain>> = {
  default: 'closed',
  interfaces: 'auto',
  schedule: '*/30 * * * * *',
  driftCheck: '3s',
  mark: '0x1000',
  connmark: '0x80',
  trusted: [],
  deny: [],
  groups: {},
  services: {},
  labels: {},
  guard: 'on',
  blocked: 'on',
  listen: 'off',
  maxGrant: '24h',
  logLevel: 'info',
  logFormat: 'text',
};

/** The environment variable that sets each key. */
export const twins: Readonly<Record<ConfigKey, string>> = {
  default: 'DOCKWALL_DEFAULT',
  interfaces: 'DOCKWALL_INTERFACES',
  schedule: 'DOCKWALL_SCHEDULE',
  driftCheck: 'DOCKWALL_DRIFT_CHECK',
  mark: 'DOCKWALL_MARK',
  connmark: 'DOCKWALL_CONNMARK',
  trusted: 'DOCKWALL_TRUSTED',
  deny: 'DOCKWALL_DENY',
  groups: 'DOCKWALL_GROUPS',
  services: 'DOCKWALL_SERVICES',
  labels: 'DOCKWALL_LABELS',
  guard: 'DOCKWALL_GUARD',
  blocked: 'DOCKWALL_BLOCKED',
  listen: 'DOCKWALL_LISTEN',
  maxGrant: 'DOCKWALL_MAX_GRANT',
  logLevel: 'DOCKWALL_LOG_LEVEL',
  logFormat: 'DOCKWALL_LOG_FORMAT',
};

export const configKeys = Object.keys(twins) as readonly ConfigKey[];
