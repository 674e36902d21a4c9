import { describe, expect, it } from 'vitest';
import { type DockerClient, DockerError } from '../../../src/docker/client.ts';
import { DockerSource } from '../../../src/docker/source.ts';

interface FakeDocker {
  readonly client: DockerClient;
  readonly calls: string[];
  readonly blocked: Map<string, () => void>;
  containers: string[];
  state: string;
}

function fakeDocker(): FakeDocker {
  const calls: string[] = [];
  const blocked = new Map<string, () => void>();
  const fake: FakeDocker = {
    calls,
    blocked,
    containers: ['a', 'b'],
    state: 'running',
    client: {
      info: () => Promise.resolve({}),
      version: () => Promise.resolve({}),
      containers: async () => fake.containers.map((Id) => ({ Id, Names: [`/${Id}`], State: fake.state })),
      inspect: async (id, signal) => {
        calls.push(`inspect ${id}`);
        if (blocked.has(id)) {
          await new Promise<void>((resolve, reject) => {
            blocked.set(id, resolve);
            signal.addEventListener('abort', () => reject(new DockerError('unreachable', 'aborted', {})));
          });
        }
        const HostPort = id === 'chooser' ? '' : '80';
        return { Id: id, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort }] } } };
      },
      networks: async () => [
        { Id: 'n1', Driver: 'bridge' },
        { Id: 'n2', Driver: 'host' },
        { Id: 'gone', Driver: 'bridge' },
      ],
      network: async (id) => {
        calls.push(`network ${id}`);
        if (id === 'gone') throw new DockerError('not-found', 'no such network', { status: 404 });
        return { Id: id, Name: id, Driver: 'bridge' };
      },
      services: async () => {
        calls.push('services');
        return [];
      },
      watch: () => Promise.resolve(),
    },
  };
  return fake;
}

describe('DockerSource', () => {
  it('inspects each container once in its life, and forgets those that are gone', async () => {
    const fake = fakeDocker();
    const source = new DockerSource(fake.client, () => {});
    await source.list();
    await source.list();
    expect(fake.calls.filter((call) => call.startsWith('inspect'))).toEqual(['inspect a', 'inspect b']);
    fake.containers = ['b'];
    expect([...(await source.list()).details.keys()]).toEqual(['b']);
    fake.containers = ['a', 'b'];
    await source.list();
    expect(fake.calls.filter((call) => call === 'inspect a').length).toBe(2);
  });

  it('asks only networks that have endpoints here, and passes over one that has just gone', async () => {
    const fake = fakeDocker();
    const { networks } = await new DockerSource(fake.client, () => {}).list();
    expect(networks.map(({ Id }) => Id)).toEqual(['n1']);
    expect(fake.calls).not.toContain('network n2');
  });

  it('does not let a slow start delay the others, and tells when its answer comes', async () => {
    const fake = fakeDocker();
    fake.blocked.set('a', () => {});
    const late = Promise.withResolvers<void>();
    const source = new DockerSource(fake.client, () => late.resolve());
    const snapshot = await source.list();
    expect([...snapshot.details.keys()]).toEqual(['b']);
    expect(snapshot.containers.length).toBe(2);
    fake.blocked.get('a')?.();
    await late.promise;
    expect([...(await source.list()).details.keys()].sort()).toEqual(['a', 'b']);
    expect(fake.calls.filter((call) => call === 'inspect a').length).toBe(1);
  });

  it('knows that a container on ports that Docker chooses is being started: its inspect blocks', async () => {
    const fake = fakeDocker();
    fake.containers = ['a', 'chooser'];
    const source = new DockerSource(fake.client, () => {}, 20);
    await source.list();
    fake.blocked.set('chooser', () => {});
    fake.blocked.set('a', () => {});
    expect(await source.startsNothing()).toBe(true);
    fake.state = 'exited';
    expect(await source.startsNothing()).toBe(false);
    fake.blocked.delete('chooser');
    expect(await source.startsNothing()).toBe(true);
  });

  it('knows that one with a fixed port is being started, where that port is asked about', async () => {
    const fake = fakeDocker();
    fake.containers = ['a'];
    const source = new DockerSource(fake.client, () => {}, 20);
    await source.list();
    fake.state = 'exited';
    fake.blocked.set('a', () => {});
    const place = { family: 6, address: 'any', protocol: 'tcp' } as const;
    expect(await source.startsNothing([{ ...place, port: 81 }])).toBe(true);
    expect(await source.startsNothing([{ ...place, port: 80 }])).toBe(false);
    fake.blocked.delete('a');
    expect(await source.startsNothing([{ ...place, port: 80 }])).toBe(true);
  });

  it('does not know what a container is about whose inspect never answered', async () => {
    const fake = fakeDocker();
    fake.state = 'created';
    fake.blocked.set('a', () => {});
    const source = new DockerSource(fake.client, () => {}, 20);
    expect(await source.startsNothing()).toBe(false);
  });

  it('rejects when the lists do not come', async () => {
    const fake = fakeDocker();
    const down = new DockerError('unreachable', 'listing containers: connect ECONNREFUSED', {});
    const client = { ...fake.client, containers: () => Promise.reject(down) };
    await expect(new DockerSource(client, () => {}).list()).rejects.toBe(down);
  });

  it('asks for services where there is a mesh, and keeps the last answer while a manager gives none', async () => {
    const fake = fakeDocker();
    let answer = async (): Promise<readonly unknown[]> => [{ ID: 's', Spec: { Name: 'web' } }];
    let ingress = false;
    const client: DockerClient = {
      ...fake.client,
      networks: async () => [{ Id: 'mesh', Driver: 'overlay', Ingress: ingress }],
      network: async (id, verbose) => ({ Id: id, Name: id, Driver: 'overlay', Ingress: verbose }),
      services: async () => answer(),
    };
    const source = new DockerSource(client, () => {});
    const names = async (): Promise<readonly string[] | undefined> =>
      (await source.list()).services?.map(({ Spec }) => Spec.Name);
    const refusing = (message: string) => async () =>
      Promise.reject(new DockerError('refused', message, { status: 503 }));
    expect(await names()).toBeUndefined();
    ingress = true;
    expect(await names()).toEqual(['web']);
    answer = refusing('The swarm does not have a leader.');
    expect(await names()).toEqual(['web']);
    answer = refusing('This node is not a swarm manager. Worker nodes cannot be used to view cluster state.');
    expect(await names()).toBeUndefined();
  });
});
