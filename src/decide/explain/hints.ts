import type { ObservedSet } from '../diff/model.ts';
import { hostBitsIn } from '../net/host-bits.ts';
import { familyOf } from '../net/network.ts';
import { containerPortsOf, hostPortsOf, includes, portAt } from '../net/port-run.ts';
import { shorten } from '../net/show.ts';
import { spanText } from '../net/span.ts';
import type { Service } from '../policy/model.ts';
import { problemLine } from '../policy/problem-line.ts';
import { judge } from '../policy/verdict.ts';
import { setName } from '../wall/names.ts';
import { observingFor } from '../wall/observing.ts';
import type { Circumstances } from './circumstances.ts';
import { whyClosed } from './closed.ts';
import { notHeld, notProtected, publishedWords } from './hint-words.ts';
import type { Because, Hint, Inside, Moment } from './model.ts';

/** What a person should know or try, the most telling first. */
export function hintsFor(around: Circumstances): readonly Hint[] {
  const { because, door, asked, moment } = around;
  const service = door?.service ?? asked.service;
  switch (because.kind) {
    case 'inside':
      return [{ kind: 'not fair', text: notFair(because.asker, asked.packet.source) }];
    case 'other interface':
      return [
        {
          kind: 'not fair',
          text: `what comes in by ${because.interface} is never judged: \`interfaces\` in the configuration leaves it out`,
        },
      ];
    case 'elsewhere':
      return [
        {
          kind: 'elsewhere',
          text: `${asked.packet.destination} is neither an address of this host nor of a container on it; where a router translates it to this host, ask for the port alone (${asked.packet.port})`,
        },
      ];
    case 'not protected':
      return service === undefined
        ? [{ kind: 'not protected', text: `packets to ${because.network} never pass this host's firewall` }]
        : [...notProtected(service), ...problemsOf(service, moment)];
    case 'not published': {
      const gone = lapsed(around);
      return gone.length > 0
        ? gone
        : [
            ...otherPort(around),
            ...notChosen(around),
            ...noSuchPort(around),
            ...undeclared(around),
            ...nobodyListens(around),
          ];
    }
    case 'unpublished':
      return [...otherPort(around)];
    case 'loopback':
      return [{ kind: 'loopback', text: 'it is bound to loopback: only this host itself reaches it' }];
    case 'denied':
    case 'denied by a label':
      return [deniedFirst(around), ...notHeld(around), ...stopped(service)];
    case 'closed': {
      const problems = service === undefined ? [] : problemsOf(service, moment);
      return [
        ...observing(moment),
        ...(problems.length > 0 ? problems : whyClosed(around)),
        ...ofTheDoor(around, service),
      ];
    }
    case 'trusted':
    case 'public':
    case 'allowed':
      return [...oddNetwork(because), ...ofTheDoor(around, service)];
  }
}

/** Whatever the verdict is. */
function ofTheDoor(around: Circumstances, service: Service | undefined): readonly Hint[] {
  return [
    ...notHeld(around),
    ...containerPort(around),
    ...stopped(service),
    ...(service === undefined ? [] : notProtected(service)),
  ];
}

function notFair(asker: Inside, source: string): string {
  const advice = 'such packets are never filtered and prove nothing: ask from another machine';
  switch (asker.kind) {
    case 'loopback':
      return `${source} is this host itself: ${advice}`;
    case 'host':
      return `${source} is this host's own address: ${advice}`;
    case 'container':
      return `${source} is the container ${asker.name} on this host: ${advice}`;
    case 'bridge':
      return `${source} is in Docker's network ${asker.network} on this host: ${advice}`;
  }
}

/** It gets in all the same, for a while. */
function observing({ kernel }: Moment): readonly Hint[] {
  const seconds = observingFor(kernel?.observed.sets ?? []);
  if (seconds === 0) return [];
  const text = `observe mode lets it in for ${spanText(seconds)} more, and remembers it (dockwall blocked); after that it is turned away`;
  return [{ kind: 'observing', text }];
}

/** `203.0.113.20/24` lets in more than its author may have meant. */
function oddNetwork(because: Because): readonly Hint[] {
  if (because.kind !== 'allowed') return [];
  return hostBitsIn(because.reason.value).map((text) => ({ kind: 'odd network', text }));
}

/** Who may listen there and has not said so. */
function undeclared({ moment }: Circumstances): readonly Hint[] {
  const silent = moment.policy.services.filter((service) => service.undeclared && service.active);
  if (silent.length === 0) return [];
  const names = silent.slice(0, 3).map(({ name }) => shorten(name));
  const more = silent.length > names.length ? `, and ${silent.length - names.length} more` : '';
  const text = `if a host-network container listens there (${names.join(', ')}${more}), declare the port with its label dockwall.ports: until then it is as open as the host's own`;
  return [{ kind: 'undeclared', text }];
}

/** Such a container opens nothing at all. */
function problemsOf(service: Service, { policy, inventory }: Moment): readonly Hint[] {
  const guests = inventory.containers.filter(
    ({ networkMode: mode }) => mode.kind === 'container' && mode.id === service.containerId,
  );
  const names = new Set([service.name, ...guests.map(({ name }) => name)]);
  return policy.problems
    .filter(({ container }) => names.has(container))
    .map((problem) => ({
      kind: 'problem',
      text:
        problem.container === service.name && problem.partly !== true
          ? `${problemLine(problem)}; such a mistake closes the whole container`
          : problemLine(problem),
    }));
}

/** A container's port where a host's was meant. */
function otherPort({ asked, moment }: Circumstances): readonly Hint[] {
  const { packet, service } = asked;
  return moment.policy.services.flatMap((one) => {
    if (service !== undefined && one !== service) return [];
    if (packet.towards === 'bridge' && !one.endpoints.some(({ address }) => address === packet.destination))
      return [];
    const ports = one.ports.filter(
      (port) =>
        port.family === familyOf(packet.source) &&
        includes(containerPortsOf(port), packet.port) &&
        port.protocol === packet.protocol &&
        port.hostPort !== undefined &&
        (packet.towards === 'bridge' || portAt(port, 'container', packet.port)?.hostPort !== packet.port),
    );
    return ports.map((port) =>
      publishedAs(one, packet.port, portAt(port, 'container', packet.port)?.hostPort),
    );
  });
}

function publishedAs({ name }: Service, containerPort: number, hostPort: number | undefined): Hint {
  return {
    kind: 'other port',
    text: `${containerPort} of ${shorten(name)} is published as ${hostPort}: ask for ${hostPort}`,
  };
}

/** The port was asked for by its number in the container, as labels may: outside it has another. */
function containerPort({ asked, door }: Circumstances): readonly Hint[] {
  const hostPort = door?.port.hostPort;
  if (door === undefined || asked.meant === undefined || hostPort === undefined || hostPort === asked.meant)
    return [];
  return [publishedAs(door.service, asked.meant, hostPort)];
}

function noSuchPort({ asked, moment }: Circumstances): readonly Hint[] {
  const { packet, service } = asked;
  const family = familyOf(packet.source);
  const services = service === undefined ? moment.policy.services : [service];
  const otherFamily = services.find(({ ports }) =>
    ports.some(
      (port) =>
        includes(hostPortsOf(port), packet.port) &&
        port.protocol === packet.protocol &&
        port.family !== family,
    ),
  );
  if (otherFamily !== undefined)
    return [
      {
        kind: 'other family',
        text: `${shorten(otherFamily.name)} publishes ${packet.port} for the other IP version only`,
      },
    ];
  if (service !== undefined)
    return [
      {
        kind: 'no such port',
        text: `${shorten(service.name)} does not publish ${packet.port}/${packet.protocol}; it publishes ${publishedWords(service)}`,
      },
    ];
  const ports = services.flatMap((one) =>
    one.ports.filter(
      (port) => port.family === family && port.hostPort !== undefined && !port.loopback && !port.lapsed,
    ),
  );
  const published =
    ports.length === 0 ? 'no port is published at all' : `published are ${publishedWords({ ports })}`;
  return [
    { kind: 'no such port', text: `no container publishes ${packet.port}/${packet.protocol}; ${published}` },
  ];
}

/** Containers that are not started yet, and that have such a port inside. */
function notChosen({ asked, moment }: Circumstances): readonly Hint[] {
  const { port, protocol } = asked.packet;
  const family = familyOf(asked.packet.source);
  const waiting = moment.policy.services.filter(
    ({ active, ports }) =>
      !active &&
      ports.some(
        (one) =>
          one.hostPort === undefined &&
          includes(containerPortsOf(one), port) &&
          one.protocol === protocol &&
          one.family === family,
      ),
  );
  if (waiting.length === 0) return [];
  const names = waiting.slice(0, 3).map(({ name }) => shorten(name));
  const more = waiting.length > names.length ? `, and ${waiting.length - names.length} more` : '';
  const text = `Docker chooses the host port for ${port}/${protocol} when it starts ${names.join(', ')}${more}`;
  return [{ kind: 'not chosen', text }];
}

/** The port of a container that does not hold it, while a service of the host does. */
function lapsed({ asked, moment }: Circumstances): readonly Hint[] {
  const { packet } = asked;
  const found = moment.policy.services.find(({ ports }) =>
    ports.some(
      (port) => port.lapsed && includes(hostPortsOf(port), packet.port) && port.protocol === packet.protocol,
    ),
  );
  if (found === undefined) return [];
  const claims = found.active ? 'declares it, but' : 'would publish it, but is stopped and';
  const before = found.active ? ' and did before' : '';
  const text = `${shorten(found.name)} ${claims} a service of the host itself listens there${before}`;
  return [{ kind: 'host service', text }];
}

/** By the sets of the guard, while it is up. */
function nobodyListens({ asked, moment }: Circumstances): readonly Hint[] {
  const { packet } = asked;
  const family = familyOf(packet.source);
  const held = (role: string): ObservedSet['members'] | undefined =>
    moment.kernel?.observed.sets.find(({ name }) => name === setName(family, role))?.members;
  const suffix = `,${packet.protocol}:${packet.port}`;
  const up = (held('guard')?.size ?? 0) > 0;
  if (!up || [...(held('listening')?.keys() ?? [])].some((member) => member.endsWith(suffix))) return [];
  // by default Linux gives these numbers to sockets that ask, and to those the guard gives longer (see AdoptedPorts)
  const known =
    packet.protocol === 'udp' && packet.port >= 32_768 ? '5 to 20 seconds (UDP from 32768 up)' : 'a second';
  return [
    {
      kind: 'nobody listens',
      text: `and nothing of the host itself is known to listen there, so the guard drops it; a service that has just started is known after ${known}`,
    },
  ];
}

function deniedFirst({ asked, live }: Circumstances): Hint {
  const nobody = { networks: [], interfaces: [], ipsets: [], origins: [], groups: [] };
  const services = live.services.map((service) => ({
    ...service,
    ports: service.ports.map((port) => ({
      ...port,
      reach: { ...port.reach, deny: [] },
      ...(port.ownReach === undefined ? {} : { ownReach: { ...port.ownReach, deny: [] } }),
    })),
  }));
  const without = judge({ ...live, deny: nobody, services })(asked.packet);
  const first = 'what is denied is refused first, whatever else would let it in';
  if (without.kind !== 'allowed') return { kind: 'denied first', text: `${first}; here nothing else would` };
  const what =
    'reason' in without ? `${shorten(without.reason.label)}=${shorten(without.reason.value)}` : '`trusted`';
  return { kind: 'denied first', text: `${first}; here ${what} would` };
}

function stopped(service: Service | undefined): readonly Hint[] {
  if (service === undefined || service.active) return [];
  return [
    { kind: 'stopped', text: `${shorten(service.name)} is stopped: nobody answers there until it runs` },
  ];
}
