import type {
  ContainerDetails,
  ContainerSummary,
  EngineInfo,
  EngineVersion,
  NetworkDetails,
  NetworkEndpoint,
  PortBinding,
  ServiceDetails,
  ServicePort,
  Unreadable,
} from './docker-json.ts';
import { Fields, fieldsOf, kindOf, objectOf } from './fields.ts';
import { isPort, protocolOf, readGivenPorts } from './given-ports.ts';

/*
 * Docker's JSON into docker-json's types: the one door. Each object is read for itself, and no answer makes anything here throw.
 * A part that is odd is left out by itself (a port of protocol "foo", which an image may expose); an object whose core is odd is left out, and
 * told.
 */

/** What became of one object of a list. */
export type Read<T> = { readonly found: T } | { readonly unreadable: Unreadable };

/** A network as `GET /networks` lists it. */
export interface ListedNetwork {
  readonly Id: string;
  /** Empty where it cannot be read. */
  readonly Driver: string;
  readonly Ingress: boolean;
}

/**
 * A container without an id is none. One with anything else that cannot be read is kept, for its ports, with a word of what is wrong:
 * it opens nothing. Without a state it does not run, so that it takes nothing from who does.
 */
export function readSummary(json: unknown): Read<ContainerSummary> {
  const fields = fieldsOf(json);
  const Id = fields?.text('Id');
  if (fields === undefined || !Id) return without('Id', 'a container', json);
  const summary: ContainerSummary = {
    Id,
    Names: fields.items('Names', textOf),
    Labels: readLabels(fields),
    State: fields.text('State') ?? '',
    Ports: readGivenPorts(fields.list('Ports') ?? []),
    HostConfig: { NetworkMode: fields.part('HostConfig')?.text('NetworkMode') },
    Image: textOf(objectOf(json)?.['Image']),
    NetworkNames: readNetworkNames(json),
  };
  fields.require('State');
  return { found: { ...summary, ...whatIsWrong(fields) } };
}

/** Never fails: details that cannot be read tell no port, and say what is wrong. @param Id whose details were asked for. */
export function readDetails(Id: string, json: unknown): ContainerDetails {
  const fields = fieldsOf(json);
  if (fields === undefined) return { Id, HostConfig: {}, unreadable: `they are ${kindOf(json)}` };
  fields.require('HostConfig');
  const config = fields.part('Config');
  const host = fields.part('HostConfig');
  const details: ContainerDetails = {
    Id,
    Name: fields.text('Name'),
    Config: config && {
      Labels: readLabels(config),
      Image: textOf(objectOf(objectOf(json)?.['Config'])?.['Image']),
      ExposedPorts: readExposed(config),
    },
    HostConfig: {
      NetworkMode: host?.text('NetworkMode'),
      PublishAllPorts: host?.flag('PublishAllPorts'),
      PortBindings: host && readBindings(host),
    },
  };
  return { ...details, ...whatIsWrong(fields) };
}

/** A network whose driver cannot be read may have containers: it is asked for, and judged by the answer. */
export function readListedNetwork(json: unknown): Read<ListedNetwork> {
  const fields = fieldsOf(json);
  const Id = fields?.text('Id');
  if (fields === undefined || !Id) return without('Id', 'a network', json);
  return { found: { Id, Driver: fields.text('Driver') ?? '', Ingress: fields.flag('Ingress') ?? false } };
}

/** @param Id of the network that was asked for. */
export function readNetwork(Id: string, json: unknown): Read<NetworkDetails> {
  const fields = fieldsOf(json);
  const Driver = fields?.text('Driver');
  const Name = fields?.text('Name') ?? Id.slice(0, 12);
  if (fields === undefined || !Driver) return without('Driver', `network ${Name}`, json);
  const network: NetworkDetails = {
    Id,
    Name,
    Driver,
    Options: fields.map('Options', textOf),
    IPAM: readIpam(objectOf(json)?.['IPAM']),
    Ingress: fields.flag('Ingress'),
    Services: fields.map('Services', readSeenService),
    Containers: fields.map('Containers', readEndpoint),
  };
  const why = fields.wrong.join(', ');
  return why === '' ? { found: network } : { unreadable: { what: `network ${Name}`, why } };
}

export function readServiceDetails(json: unknown): Read<ServiceDetails> {
  const fields = fieldsOf(json);
  const ID = fields?.text('ID');
  const Name = fields?.part('Spec')?.text('Name');
  if (fields === undefined || !ID) return without('ID', 'a service', json);
  if (!Name) return without('Spec.Name', `service ${ID}`, json);
  const Ports = fields.part('Endpoint')?.items('Ports', readServicePort);
  const why = fields.wrong.join(', ');
  return why === ''
    ? { found: { ID, Spec: { Name, ...readSpec(json) }, Endpoint: { Ports } } }
    : { unreadable: { what: `service ${Name}`, why } };
}

/** What can be read of it. */
export function readInfo(json: unknown): EngineInfo | undefined {
  const fields = fieldsOf(json);
  if (fields === undefined) return undefined;
  const swarm = fields.part('Swarm');
  const backend = fields.part('FirewallBackend');
  return {
    OSType: fields.text('OSType'),
    OperatingSystem: fields.text('OperatingSystem'),
    SecurityOptions: fields.items('SecurityOptions', textOf),
    LiveRestoreEnabled: fields.flag('LiveRestoreEnabled'),
    Swarm: swarm && {
      LocalNodeState: swarm.text('LocalNodeState'),
      ControlAvailable: swarm.flag('ControlAvailable'),
    },
    FirewallBackend: backend && { Driver: backend.text('Driver') },
  };
}

/** What can be read of it. */
export function readVersion(json: unknown): EngineVersion | undefined {
  const fields = fieldsOf(json);
  return fields && { Version: fields.text('Version'), ApiVersion: fields.text('ApiVersion') };
}

/** What was found, and what was not. */
export function sorted<T>(reads: readonly Read<T>[]): {
  readonly found: readonly T[];
  readonly unreadable: readonly Unreadable[];
} {
  return {
    found: reads.flatMap((read) => ('found' in read ? [read.found] : [])),
    unreadable: reads.flatMap((read) => ('unreadable' in read ? [read.unreadable] : [])),
  };
}

function without(key: string, what: string, json: unknown): { readonly unreadable: Unreadable } {
  const why = fieldsOf(json) === undefined ? `it is ${kindOf(json)}` : `it has no readable ${key}`;
  return { unreadable: { what, why } };
}

function whatIsWrong({ wrong }: Fields): { readonly unreadable?: string } {
  return wrong.length === 0 ? {} : { unreadable: wrong.join(', ') };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A value that is no text becomes its JSON: what the label means cannot be told then, and its container opens nothing. */
function readLabels(fields: Fields): Readonly<Record<string, string>> | undefined {
  return fields.map('Labels', (value) => textOf(value) ?? JSON.stringify(value));
}

/** Nothing but the choice of an entry hangs on the networks and images: what is odd here is left out. */
function readNetworkNames(json: unknown): readonly string[] {
  return Object.keys(objectOf(objectOf(objectOf(json)?.['NetworkSettings'])?.['Networks']) ?? {});
}

/** Labels that are none open nothing, and the ports of the service stay known. */
function readSpec(json: unknown): Pick<ServiceDetails['Spec'], 'Labels' | 'Image'> {
  const spec = objectOf(objectOf(json)?.['Spec']);
  const template = objectOf(objectOf(spec?.['TaskTemplate'])?.['ContainerSpec']);
  const labels = spec && readLabels(new Fields(spec));
  return { Labels: labels, Image: textOf(template?.['Image']) };
}

/** By `80/tcp`, in that spelling. */
function readBindings(host: Fields): ContainerDetails['HostConfig']['PortBindings'] {
  const ports = host.object('PortBindings');
  if (ports === undefined) return undefined;
  const bindings: Record<string, PortBinding[]> = {};
  for (const [key, list] of Object.entries(ports)) {
    const name = portName(key);
    if (name === undefined || !Array.isArray(list)) continue;
    const found = (bindings[name] ??= []);
    for (const item of list as readonly unknown[]) {
      const binding = readBinding(item);
      if (binding !== undefined) found.push(binding);
    }
  }
  return bindings;
}

/** An address that cannot be read is every address: rather closed too far than open. */
function readBinding(json: unknown): PortBinding | undefined {
  const { HostIp, HostPort } = objectOf(json) ?? {};
  const port = HostPort ?? '';
  if (typeof port !== 'string' || !isHostPort(port)) return undefined;
  return { HostIp: textOf(HostIp), HostPort: port };
}

function readExposed(config: Fields): Readonly<Record<string, true>> {
  const names = Object.keys(config.object('ExposedPorts') ?? {}).map(portName);
  return Object.fromEntries(names.flatMap((name) => (name === undefined ? [] : [[name, true]])));
}

/** As Docker spells it. */
const usualName = /^[1-9]\d{0,4}\/(?:tcp|udp|sctp)$/;

/** Docker takes `80`, `80/` and `80/TCP` for `80/tcp` (docker/go-connections, nat.SplitProtoPort and validateProto). */
function portName(key: string): string | undefined {
  // The very text: of 10,000 new ones the engine would have to find out each time that it has them.
  if (usualName.test(key)) return isPort(Number.parseInt(key, 10)) ? key : undefined;
  const [, number = '', name = ''] = /^(\d+)(?:\/([a-z]*))?$/i.exec(key) ?? [];
  const protocol = protocolOf(name === '' ? 'tcp' : name);
  return protocol === undefined || !isPort(Number(number)) ? undefined : `${Number(number)}/${protocol}`;
}

/** A port, a range of ports, or nothing (or 0) where Docker is to choose. */
function isHostPort(text: string): boolean {
  if (text === '') return true;
  const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  return Number(from) <= 65_535 && Number(to) <= 65_535;
}

/** What is odd here leaves the subnets unknown, and the network as it is. */
function readIpam(json: unknown): NetworkDetails['IPAM'] {
  const config = fieldsOf(json)?.items('Config', objectOf);
  return { Config: config?.map((one) => ({ Subnet: textOf(one['Subnet']) })) };
}

function readSeenService(json: unknown): { readonly Ports?: readonly string[] | undefined } | undefined {
  const fields = fieldsOf(json);
  return fields && { Ports: fields.items('Ports', textOf) };
}

function readEndpoint(json: unknown): NetworkEndpoint | undefined {
  const object = objectOf(json);
  return object && { IPv4Address: textOf(object['IPv4Address']), IPv6Address: textOf(object['IPv6Address']) };
}

function readServicePort(json: unknown): ServicePort | undefined {
  const { Protocol: name, PublishedPort, TargetPort, PublishMode } = objectOf(json) ?? {};
  const Protocol = protocolOf(name ?? 'tcp');
  if (Protocol === undefined || !isPort(PublishedPort)) return undefined;
  return {
    Protocol,
    TargetPort: isPort(TargetPort) ? TargetPort : undefined,
    PublishedPort,
    PublishMode: textOf(PublishMode),
  };
}
