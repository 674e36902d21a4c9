import { z } from 'zod';
import { show } from '../../decide/net/show.ts';
import type { ServiceEntry } from '../../decide/policy/config.ts';
import { docs } from './docs.ts';
import { found, listField, mapField, mapOrField, refuse, textField, type Parsed } from './field.ts';
import { matchField } from './match.ts';

/** Label names (with the prefix) to label values. */
export type Labels = Readonly<Record<string, string>>;

/**
 * The keys of one service: labels in YAML's own shape. Only the shape is checked here; what the values say is
 * checked together with the labels of containers.
 */
export const serviceShape = {
  match: matchField().register(docs, {
    type: 'map of `name`, `image`, `project`, `network`, `label` to patterns',
    meaning:
      'Which containers are meant, in place of those of the name of the entry; see [below](#an-entry-for-many-containers).',
  }),
  public: labelList().register(docs, {
    type: 'list of ports',
    meaning: 'Ports that are open to everybody; `*` is every published port.',
  }),
  allow: mapOrField<Labels>(allowByPort(), allowAll()).register(docs, {
    type: 'list of sources, or map of ports to lists of sources',
    meaning: 'Sources that reach every published port, or, by port, that port.',
  }),
  deny: labelList().register(docs, { type: 'list of sources', meaning: 'Sources that are refused first.' }),
  ports: labelList().register(docs, {
    type: 'list of port numbers',
    meaning:
      "Ports of a `network_mode: host` container, which Docker cannot tell; or, on a swarm's workers, of a service in the mesh.",
  }),
  description: textField('one text', (value) => ({ ok: true, value })).register(docs, {
    type: 'text',
    meaning: 'Shown in `dockwall status`.',
  }),
};

/** `services`: by container or compose service name, or by `match`, the labels that stand in for the container's own. */
export function servicesField(): z.ZodType<ReadonlyMap<string, ServiceEntry>> {
  const service = z
    .strictObject(serviceShape, { error: wrongService })
    .partial()
    .transform(({ match, allow, ...texts }): ServiceEntry => {
      const labels = toLabels(texts, allow ?? {});
      return match === undefined ? { labels } : { labels, match };
    });
  return mapField(parseServiceName, service, { pattern: serviceName.source });
}

function wrongService(issue: { readonly code: string; readonly input?: unknown }): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  return `${found(issue.input)} stands where the keys of a service should, such as \`public: [http]\``;
}

function toLabels(texts: Readonly<Record<string, string | undefined>>, allow: Labels): Labels {
  const labels: [string, string][] = Object.entries(allow);
  for (const [key, value] of Object.entries(texts)) {
    if (value !== undefined) labels.push([`dockwall.${key}`, value]);
  }
  return Object.fromEntries(labels.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function allowAll(): z.ZodType<Labels> {
  return labelList().transform((sources) => ({ 'dockwall.allow': sources }));
}

function allowByPort(): z.ZodType<Labels> {
  return mapField(parseText, labelList(), { minLength: 1 }).transform((ports) =>
    Object.fromEntries(Array.from(ports, ([port, sources]) => [`dockwall.allow.${port}`, sources])),
  );
}

/** The value of a label that holds a list. */
function labelList(): z.ZodType<string> {
  return listField(textField('one entry of a list', parseText)).transform((entries) => entries.join(','));
}

function parseText(text: string): Parsed<string> {
  return text === '' ? refuse('there is nothing between the quotes') : { ok: true, value: text };
}

/** Docker's own rule for container names, which compose's for service names falls under. */
const serviceName = /^[a-zA-Z0-9_.-]+$/u;

function parseServiceName(name: string): Parsed<string> {
  if (serviceName.test(name)) return { ok: true, value: name };
  const rule = 'those have letters, digits, `_`, `.` and `-`';
  return refuse(`${show(name)} is neither a container name nor a compose service name: ${rule}`);
}
