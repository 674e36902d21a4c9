import { createServer, type Server } from 'node:http';

/** A container as `GET /containers/json` lists it, and as it is inspected. */
interface Answered {
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

/** A Docker that has these containers on its usual bridge, at a socket; it answers what dockwall asks, and no event ever comes. */
export async function serveDocker(socket: string, all: readonly Answered[]): Promise<Server> {
  const bodies: ReadonlyMap<string, unknown> = new Map<string, unknown>([
    ['/_ping', 'OK'],
    ['/version', { Version: '28.5.2', ApiVersion: '1.51' }],
    ['/info', { ServerVersion: '28.5.2', Swarm: { LocalNodeState: 'inactive' }, SecurityOptions: [] }],
    ['/containers/json', all.map(({ summary }) => summary)],
    ...all.map(({ Id, details }) => [`/containers/${Id}/json`, details] as const),
    // where there is no container it need not be there
    ['/networks', all.length === 0 ? [] : [bridge]],
    [`/networks/${bridge.Id}`, { ...bridge, Containers: Object.fromEntries(all.map(addresses)) }],
  ]);
  const server = createServer((asked, answer) => {
    const route = (asked.url ?? '').replace(/^\/v[\d.]+/, '').split('?')[0] ?? '';
    if (route === '/events') {
      answer.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      return;
    }
    const body = bodies.get(route);
    answer.writeHead(body === undefined ? 404 : 200, {
      'content-type': 'application/json',
      'api-version': '1.51',
    });
    answer.end(JSON.stringify(body ?? { message: 'nothing' }));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return server;
}

function addresses({ Id }: Answered, index: number): readonly [string, object] {
  return [Id, { IPv4Address: `172.17.${(index + 2) >> 8}.${(index + 2) & 255}/16`, IPv6Address: '' }];
}
