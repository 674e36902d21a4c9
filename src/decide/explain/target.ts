import { isIPv6 } from 'node:net';
import type { Inventory } from '../inventory/model.ts';
import { didYouMean } from '../net/did-you-mean.ts';
import { parseNetworks } from '../net/parse-networks.ts';
import { parsePortNumbers, parsePortSelector } from '../net/port-selector.ts';
import type { Protocol } from '../net/port.ts';
import { portOfService } from '../net/service-name.ts';
import { shorten, show } from '../net/show.ts';
import type { Policy } from '../policy/model.ts';
import type { Target } from './model.ts';

export type ParsedTarget =
  | { readonly ok: true; readonly target: Target }
  | { readonly ok: false; readonly problem: string };

type Names = ReadonlyMap<string, readonly string[]>;

const forms =
  'write a service (`web`), a service and its port (`web:https`), a port (`8080`, `443/udp`), or an address and a port (`192.0.2.10:8080`, `[2001:db8::10]:443`)';

/** What is to be reached, as a person writes it. The names of containers come before those of ports. */
export function parseTarget(
  text: string,
  around: { readonly policy: Policy; readonly inventory: Inventory },
): ParsedTarget {
  const written = text.trim();
  const names = serviceNames(around);
  if (isIPv6(written))
    return refuse(`${show(text)} has no port: write ${show(`[${written}]:PORT`)} with the port's number`);
  const whole = names.get(written);
  if (whole !== undefined)
    return { ok: true, target: { kind: 'service', containers: whole, selector: { kind: 'every' } } };
  const address =
    /^\[(?<host>[^\]]*)\](?<rest>:.*)?$/u.exec(written) ??
    /^(?<host>\d+\.[\d.]+)(?<rest>:.*)?$/u.exec(written);
  if (address !== null) return addressTarget(text, address.groups ?? {});
  const colon = written.indexOf(':');
  if (colon > 0) return portOfNamed(written.slice(0, colon), written.slice(colon + 1), names);
  const port = readPort(written);
  if (port.ok) return { ok: true, target: { kind: 'port', ...port.port } };
  return refuse(
    /^\d|\//u.test(written)
      ? port.problem
      : `${show(text)} is neither a service nor a port: ${near(written, names)}`,
  );
}

function addressTarget(
  text: string,
  { host = '', rest }: Readonly<Record<string, string | undefined>>,
): ParsedTarget {
  const parsed = parseNetworks(host);
  if (!parsed.ok) return refuse(parsed.problem);
  const [address] = parsed.networks;
  if (address === undefined || address.includes('/')) return refuse(`${show(host)} is more than one address`);
  if (rest === undefined) return refuse(`${show(text)} has no port: write ${show(`${text}:PORT`)}`);
  const port = readPort(rest.slice(1));
  return port.ok ? { ok: true, target: { kind: 'address', address, ...port.port } } : refuse(port.problem);
}

function portOfNamed(name: string, port: string, names: Names): ParsedTarget {
  const containers = names.get(name);
  if (containers === undefined)
    return refuse(`no container or service is named ${show(name)}: ${near(name, names)}`);
  const parsed = parsePortSelector(port);
  if (!parsed.ok) return refuse(parsed.problem);
  return { ok: true, target: { kind: 'service', containers, selector: parsed.selector } };
}

/** One port by number or name, with or without its protocol. */
function readPort(
  text: string,
):
  | { readonly ok: true; readonly port: { readonly port: number; readonly protocol: Protocol | undefined } }
  | { readonly ok: false; readonly problem: string } {
  const [name = '', protocol] = text.split('/');
  const found = /^\d/u.test(text) ? undefined : portOfService(name);
  if (found?.ok === false) return found;
  const number = found === undefined ? name : String(found.port);
  const parsed = parsePortNumbers(protocol === undefined ? number : `${number}/${protocol}`);
  if (!parsed.ok) return parsed;
  const [port, ...more] = parsed.ports;
  if (port === undefined || more.length > 0 || port.range.from !== port.range.to)
    return refuse(`${show(text)} is more than one port: ask for one of them`);
  return { ok: true, port: { port: port.range.from, protocol: port.protocol } };
}

const shownNames = 8;

function near(name: string, names: Names): string {
  const guess = didYouMean(name, names.keys());
  if (guess !== undefined) return `did you mean ${show(guess)}?`;
  const some = [...names.keys()].slice(0, shownNames).map((one) => shorten(one, 40));
  const more = names.size > some.length ? ', ...' : '';
  return some.length === 0
    ? `there is no container here; ${forms}`
    : `there are ${some.join(', ')}${more}; ${forms}`;
}

/**
 * Ids of containers by every name that a person may call them: the container's, the compose service's, Swarm's. Who shares
 * another's network stands for that one.
 */
function serviceNames({ policy, inventory }: { policy: Policy; inventory: Inventory }): Names {
  const names = new Map<string, readonly string[]>();
  const add = (name: string | undefined, id: string): void => {
    const known = name === undefined ? undefined : (names.get(name) ?? []);
    if (name !== undefined && known?.includes(id) === false) names.set(name, [...known, id]);
  };
  for (const { containerId, name } of policy.services) add(name, containerId);
  for (const { name, networkMode } of inventory.containers) {
    if (networkMode.kind !== 'container') continue;
    const owner = inventory.containers.find(
      (one) => one.id === networkMode.id || one.name === networkMode.id,
    );
    if (owner !== undefined) add(name, owner.id);
  }
  for (const { containerId, composeService, swarmService } of policy.services) {
    add(composeService, containerId);
    add(swarmService, containerId);
  }
  return names;
}

function refuse(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
