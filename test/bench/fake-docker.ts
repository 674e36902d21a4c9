import { createServer, type ServerResponse } from 'node:http';

/** A container as `GET /containers/json` lists it, and as it is inspected. */
export interface Answered {
  readonly Id: string;
  readonly summary: object;
  readonly details: object;
}

const bridge = {
  Id: 'b'.repeat(64),
  Name: 'bridge',
  Driver: 'bridge',
  Options: { 'com.docker.network.bridge.name': 'docker0' },
};

/** So many containers, each with a port of its own for everybody or for a group. */
export function containers(count: number): readonly Answered[] {
  return Array.from({ length: count }, (_, index) => {
    const Id = `${index}`.padStart(64, 'a');
    const Labels = {
      'com.docker.compose.project': 'shop',
      ...(index % 2 === 0 ? { 'dockwall.public': 'http' } : { 'dockwall.allow': 'office' }),
    };
    const PublicPort = 8000 + index;
    const Names = [`/service-${index}`];
    const Ports = ['0.0.0.0', '::'].map((IP) => ({ IP, PrivatePort: 80, PublicPort, Type: 'tcp' }));
    const HostConfig = {
      NetworkMode: 'bridge',
      PortBindings: { '80/tcp': [{ HostIp: '', HostPort: String(PublicPort) }] },
    };
    return {
      Id,
      summary: { Id, Names, Labels, State: 'running', Ports, HostConfig: { NetworkMode: 'bridge' } },
      details: { Id, Name: Names[0], Config: { Labels, ExposedPorts: { '80/tcp': {} } }, HostConfig },
    };
  });
}

/** A Docker at a socket. */
export interface FakeDocker {
  /** One container more, or others in place of those of these ids; its listeners hear of a `create`. */
  readonly create: (one: Answered) => void;
  readonly close: () => void;
}

/** A Docker that has these containers on its usual bridge, at a socket; it answers what dockwall asks. */
export async function serveDocker(socket: string, first: readonly Answered[]): Promise<FakeDocker> {
  let all = first;
  const listeners = new Set<ServerResponse>();
  const server = createServer((asked, answer) => {
    const route = (asked.url ?? '').replace(/^\/v[\d.]+/, '').split('?')[0] ?? '';
    if (route === '/events') {
      answer.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      listeners.add(answer);
      answer.on('close', () => listeners.delete(answer));
      return;
    }
    const body = bodyOf(route, all);
    answer.writeHead(body === undefined ? 404 : 200, {
      'content-type': 'application/json',
      'api-version': '1.51',
    });
    answer.end(JSON.stringify(body ?? { message: 'nothing' }));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    create: (one) => {
      all = [...all.filter(({ Id }) => Id !== one.Id), one];
      const event = { Type: 'container', Action: 'create', Actor: { ID: one.Id, Attributes: {} } };
      for (const listener of listeners) listener.write(`${JSON.stringify(event)}\n`);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function bodyOf(route: string, all: readonly Answered[]): unknown {
  switch (route) {
    case '/_ping':
      return 'OK';
    case '/version':
      return { Version: '28.5.2', ApiVersion: '1.51' };
    case '/info':
      return { ServerVersion: '28.5.2', Swarm: { LocalNodeState: 'inactive' }, SecurityOptions: [] };
    case '/containers/json':
      return all.map(({ summary }) => summary);
    case '/networks':
      // where there is no container it need not be there
      return all.length === 0 ? [] : [bridge];
    case `/networks/${bridge.Id}`:
      return { ...bridge, Containers: Object.fromEntries(all.map(addresses)) };
    default:
      return all.find(({ Id }) => route === `/containers/${Id}/json`)?.details;
  }
}

function addresses({ Id }: Answered, index: number): readonly [string, object] {
  return [Id, { IPv4Address: `172.17.${(index + 2) >> 8}.${(index + 2) & 255}/16`, IPv6Address: '' }];
}

/** One container that publishes, or (`host`) declares, so many UDP ports in a row. */
export function manyPorts(count: number, how: 'published' | 'declared'): Answered {
  const Id = 'e'.repeat(64);
  const from = 20_000;
  const Names = ['/many'];
  const Labels = {
    'dockwall.public': '*',
    ...(how === 'declared' ? { 'dockwall.ports': `${from}-${from + count - 1}/udp` } : {}),
  };
  const ports = how === 'declared' ? [] : Array.from({ length: count }, (_, index) => from + index);
  const Ports = ports.flatMap((port) =>
    ['0.0.0.0', '::'].map((IP) => ({ IP, PrivatePort: port, PublicPort: port, Type: 'udp' })),
  );
  const PortBindings = Object.fromEntries(
    ports.map((port) => [`${port}/udp`, [{ HostIp: '', HostPort: String(port) }]]),
  );
  const HostConfig = { NetworkMode: how === 'declared' ? 'host' : 'bridge', PortBindings };
  return {
    Id,
    summary: {
      Id,
      Names,
      Labels,
      State: 'running',
      Ports,
      HostConfig: { NetworkMode: HostConfig.NetworkMode },
    },
    details: { Id, Name: Names[0], Config: { Labels }, HostConfig },
  };
}
