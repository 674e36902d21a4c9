import { describe, expect, it } from 'vitest';
import { type DockerClient, DockerError } from '../../../src/docker/client.ts';
import { DockerSource } from '../../../src/docker/source.ts';

interface FakeDocker {
  readonly client: DockerClient;
  readonly calls: string[];
  readonly blocked: Map<string, () => void>;
  containers: string[];
}

function fakeDocker(): FakeDocker {
  const calls: string[] = [];
  const blocked = new Map<string, () => void>();
  const fake: FakeDocker = {
    calls,
    blocked,
    containers: ['a', 'b'],
    client: {
      info: () => Promise.resolve({}),
      version: () => Promise.resolve({}),
      containers: async () => fake.containers.map((Id) => ({ Id, Names: [`/${Id}`], State: 'running' })),
      inspect: async (id) => {
        calls.push(`inspect ${id}`);
        if (blocked.has(id)) await new Promise<void>((resolve) => blocked.set(id, resolve));
        return { Id: id, HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '80' }] } } };
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

  it('rejects when the lists do not come', async () => {
    const fake = fakeDocker();
    const down = new DockerError('unreachable', 'listing containers: connect ECONNREFUSED', {});
    const client = { ...fake.client, containers: () => Promise.reject(down) };
    await expect(new DockerSource(client, () => {}).list()).rejects.toBe(down);
  });
});
