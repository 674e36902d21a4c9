import { describe, expect, it } from 'vitest';
import { EngineProbe } from '../../../src/daemon/engine-probe.ts';
import { type DockerClient, DockerError } from '../../../src/reach/docker/client.ts';
import type { Output } from '../../../src/reach/kernel/command.ts';

const id = '0123456789abcdef'.repeat(4);
const mounts = [
  '635 611 0:56 / / rw,relatime - overlay overlay rw',
  `640 635 254:1 /var/lib/docker/containers/${id}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda1 rw`,
].join('\n');

function bench(
  changes: {
    info?: () => Promise<unknown>;
    nft?: Partial<Output>;
    env?: Record<string, string>;
    mounts?: string;
  } = {},
) {
  const asked: string[] = [];
  const client = {
    info: () => {
      asked.push('info');
      return (changes.info ?? (() => Promise.resolve({ OSType: 'linux', Name: 'host' })))();
    },
    version: () => Promise.resolve({ Version: '28.5.2', ApiVersion: '1.51', Os: 'linux' }),
  } as Partial<DockerClient> as DockerClient;
  const run = async (): Promise<Output> => {
    if (changes.nft === undefined) throw new Error('nft: no such program');
    return { stdout: '', stderr: '', exitCode: 0, ...changes.nft };
  };
  const probe = new EngineProbe({
    client,
    run,
    env: changes.env ?? {},
    readFile: async () => changes.mounts ?? mounts,
  });
  return { probe, asked };
}

describe('EngineProbe', () => {
  it('asks once for each opening of the event stream', async () => {
    const { probe, asked } = bench();
    expect(await probe.look()).toEqual({
      info: { OSType: 'linux' },
      version: { Version: '28.5.2', ApiVersion: '1.51' },
      nftables: undefined,
      ownContainer: id,
      sharesLock: false,
      remote: undefined,
    });
    await probe.look();
    expect(asked).toEqual(['info']);
    probe.forget();
    await probe.look();
    expect(asked).toEqual(['info', 'info']);
  });

  it.each([
    ['table ip nat\ntable ip docker-bridges\ntable ip6 docker-bridges\n', 0, true],
    ['table ip nat\ntable inet docker-bridges-mine\n', 0, false],
    ['', 1, undefined],
  ])('sees the tables of the nftables backend: %j', async (stdout, exitCode, nftables) => {
    expect(await bench({ nft: { stdout, exitCode } }).probe.look()).toMatchObject({ nftables });
  });

  it.each([
    ['', undefined],
    ['unix:///run/user/0/docker.sock', undefined],
    ['tcp://192.0.2.7:2376', 'tcp://192.0.2.7:2376'],
  ])('DOCKER_HOST=%j', async (host, remote) => {
    expect((await bench({ env: { DOCKER_HOST: host } }).probe.look()).remote).toBe(remote);
  });

  it('an engine, or a proxy before it, that does not answer this question is still one', async () => {
    const forbidden = new DockerError('refused', 'forbidden', { status: 403 });
    expect(await bench({ info: () => Promise.reject(forbidden) }).probe.look()).toMatchObject({
      info: undefined,
    });
    expect(await bench({ info: async () => 'x' }).probe.look()).toMatchObject({ info: undefined });
    const odd = { OSType: 7, SecurityOptions: ['name=rootless', 5], Swarm: 'x', FirewallBackend: [] };
    expect((await bench({ info: async () => odd }).probe.look()).info).toEqual({
      SecurityOptions: ['name=rootless'],
    });
  });

  it('the lock of iptables-legacy is the host’s outside a container, and where it is mounted', async () => {
    const shares = async (text: string): Promise<boolean> =>
      (await bench({ mounts: text }).probe.look()).sharesLock;
    expect(await shares('')).toBe(true);
    expect(await shares(mounts)).toBe(false);
    expect(await shares(`${mounts}90 80 0:25 /xtables.lock /run/xtables.lock rw - tmpfs tmpfs rw\n`)).toBe(
      true,
    );
  });

  it('asks again where nobody answered', async () => {
    const answers = [Promise.reject(new DockerError('unreachable', 'gone', {})), Promise.resolve({})];
    const { probe, asked } = bench({ info: () => answers.shift() ?? Promise.resolve({}) });
    await expect(probe.look()).rejects.toThrow('gone');
    expect(await probe.look()).toMatchObject({ info: {} });
    expect(asked).toHaveLength(2);
  });
});
