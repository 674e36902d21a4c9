import { describe, expect, it } from 'vitest';
import type { HostPort } from '../../../src/decide/inventory/model.ts';
import { type DockerClient, DockerError } from '../../../src/reach/docker/client.ts';
import { DockerSource } from '../../../src/reach/docker/source.ts';
import { longestStart } from '../../../src/reach/docker/starts.ts';
import { settle } from '../daemon/fake-clock.ts';

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

/** Its start is over. */
function free({ blocked }: FakeDocker, id: string): void {
  const answer = blocked.get(id);
  blocked.delete(id);
  answer?.();
}

/** Whether nothing is being started that may listen at these places. */
async function quiet(source: DockerSource, places: readonly HostPort[] = []): Promise<boolean> {
  const starting = await source.starting(places);
  return places.length === 0 ? starting.none : !places.some((place) => starting.mayServe(place, 0));
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
    const source = new DockerSource(fake.client, () => {}, { patience: 20 });
    await source.list();
    fake.blocked.set('chooser', () => {});
    fake.blocked.set('a', () => {});
    expect(await quiet(source)).toBe(true);
    fake.state = 'exited';
    expect(await quiet(source)).toBe(false);
    free(fake, 'chooser');
    await settle();
    expect(await quiet(source)).toBe(true);
  });

  it('knows that one with a fixed port is being started, where that port is asked about', async () => {
    const fake = fakeDocker();
    fake.containers = ['a'];
    const source = new DockerSource(fake.client, () => {}, { patience: 20 });
    await source.list();
    fake.state = 'exited';
    fake.blocked.set('a', () => {});
    const place = { family: 6, address: 'any', protocol: 'tcp' } as const;
    expect(await quiet(source, [{ ...place, port: 81 }])).toBe(true);
    expect(await quiet(source, [{ ...place, port: 80 }])).toBe(false);
    free(fake, 'a');
    await settle();
    expect(await quiet(source, [{ ...place, port: 80 }])).toBe(true);
  });

  it('does not know what a container is about whose inspect never answered', async () => {
    const fake = fakeDocker();
    fake.state = 'created';
    fake.blocked.set('a', () => {});
    const source = new DockerSource(fake.client, () => {}, { patience: 20 });
    expect(await quiet(source)).toBe(false);
  });

  it('one hanging start holds others back for half a minute, and after that only who may be its docker-proxy', async () => {
    const fake = fakeDocker();
    let time = 1_000_000;
    fake.containers = ['a'];
    fake.state = 'created';
    fake.blocked.set('a', () => {});
    const endpoints: Record<string, object> = {};
    const client: DockerClient = {
      ...fake.client,
      network: async (Id) => ({ Id, Name: Id, Driver: 'bridge', Containers: endpoints }),
    };
    const source = new DockerSource(client, () => {}, { patience: 20, now: () => time });
    const ssh = { family: 4, address: 'any', protocol: 'tcp', port: 22 } as const;
    const held = async (...ages: readonly number[]): Promise<readonly boolean[]> => {
      const starting = await source.starting([ssh]);
      return ages.map((age) => starting.mayServe(ssh, time - age));
    };
    expect(await held(1000, 60_000)).toEqual([true, true]);
    expect((await source.list()).overdue?.size).toBe(0);
    time += longestStart;
    expect((await source.starting()).none).toBe(true);
    expect(await held(1000, 6000)).toEqual([true, false]);
    expect([...((await source.list()).overdue ?? [])]).toEqual(['a']);
    time += 60_000;
    endpoints['a'] = { IPv4Address: '172.17.0.2/16' };
    // Its address was there within the last minute: so may be its docker-proxy.
    expect(await held(1000, 59_000, 66_000)).toEqual([true, true, false]);
    time += 60_000;
    expect(await held(1000, 29_000, 61_000, 121_000, 126_000)).toEqual([false, false, true, true, false]);
  });

  it('who makes inspects hang gets few connections, and keeps none of the others from being read', async () => {
    const fake = fakeDocker();
    const hanging = Array.from({ length: 100 }, (_, index) => `h${index}`);
    for (const id of hanging) fake.blocked.set(id, () => {});
    fake.containers = [...hanging, 'mine'];
    fake.state = 'created';
    const open = new Set<AbortSignal>();
    let most = 0;
    const waiting: (() => void)[] = [];
    // As an agent with so many sockets does.
    const inspect: DockerClient['inspect'] = async (id, signal) => {
      if (open.size >= 16) await new Promise<void>((resolve) => waiting.push(resolve));
      open.add(signal);
      most = Math.max(most, open.size);
      try {
        return await fake.client.inspect(id, signal);
      } finally {
        open.delete(signal);
        waiting.shift()?.();
      }
    };
    const read = Promise.withResolvers<void>();
    const source = new DockerSource({ ...fake.client, inspect }, () => read.resolve(), { patience: 20 });
    await source.list();
    await read.promise;
    expect([...(await source.list()).details.keys()]).toEqual(['mine']);
    const calls = fake.calls.length;
    for (let round = 0; round < 5; round += 1) await source.starting();
    expect(fake.calls.length - calls).toBeLessThan(hanging.length);
    fake.containers = [...fake.containers, 'new'];
    expect([...(await source.list()).details.keys()]).toEqual(['mine', 'new']);
    expect(most).toBeLessThanOrEqual(16);
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
