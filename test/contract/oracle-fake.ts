import { diff } from '../../src/decide/diff/diff.ts';
import type { Moment, Path } from '../../src/decide/explain/model.ts';
import type { Family } from '../../src/decide/net/network.ts';
import { createKernel } from '../../src/reach/kernel/kernel.ts';
import { FakeKernel } from './fake-kernel.ts';
import { type FakePacket, walk } from './fake-packets.ts';

/** The host of an oracle: an address of it that no port is bound to, and Docker's bridge before each container's address. */
export interface Site {
  readonly anyHost: Readonly<Record<Family, string>>;
  readonly bridgeOf: (address: string) => string | undefined;
}

/** What the rules in the fake do with the first packet of a path. */
export function whatHappens(fake: FakeKernel, path: Path, { anyHost, bridgeOf }: Site): Path['verdict'] {
  const { source, family, protocol, port, because, destination = anyHost[family] } = path;
  const bridge = bridgeOf(destination);
  const elsewhere = because.kind === 'elsewhere' || because.kind === 'not protected';
  const local = bridge === undefined && (!elsewhere || path.destination === undefined);
  const inside = because.kind === 'inside';
  const from = inside
    ? because.asker.kind === 'loopback'
      ? 'lo'
      : 'br-0123456789ab'
    : (path.interface ?? 'eth0');
  const seen: FakePacket = {
    family,
    protocol,
    source,
    destination,
    port,
    in: from,
    ...(local ? {} : { out: bridge ?? 'eth1' }),
    types: local ? (family === 4 ? ['LOCAL'] : ['LOCAL', 'UNICAST']) : ['UNICAST'],
    state: 'NEW',
    mark: 0,
    connmark: 0,
  };
  const arrives = walk({ kernel: fake, hooks: local ? ['PREROUTING'] : ['PREROUTING', 'FORWARD'] }, seen);
  if (!arrives) return 'denied';
  if (elsewhere || inside || because.kind === 'other interface') return 'not managed';
  // trusted sources have the mark also where nothing is published; whether they are let in is then the host's to say
  if (because.kind === 'not published' && path.kernel.kind !== 'differs') return 'not managed';
  return seen.mark !== 0 || bridge !== undefined ? 'allowed' : 'not managed';
}

/** The walls of a moment in a fake of their own, with what its kernel holds for a while, and with the external sets. */
export async function replay({ kernel: seen }: Moment): Promise<FakeKernel> {
  const fake = new FakeKernel({ backends: ['nft'] });
  if (seen === undefined) return fake;
  const kernel = createKernel(fake.run, { readFile: fake.readFile });
  const restore = async (lines: readonly string[]): Promise<void> =>
    void (await fake.run({
      program: 'ipset',
      args: ['restore', '-exist'],
      input: lines.join(''),
      timeoutMs: 1000,
    }));
  await restore(
    (seen.observed.foreign === 'unsupported' ? [] : seen.observed.foreign).flatMap(
      ({ name, family, lists }) =>
        lists.length > 0
          ? []
          : [
              `create ${name} hash:net family ${family === 4 ? 'inet' : 'inet6'}\n`,
              ...(seen.foreign.get(name) ?? []).map((network) => `add ${name} ${network}\n`),
            ],
    ),
  );
  await kernel.apply(diff(seen.ruleset, await kernel.observe()));
  const lines = seen.observed.sets.flatMap(({ name, members }) =>
    [...members].flatMap(([member, seconds]) =>
      seconds > 0 ? [`add ${name} ${member} timeout ${seconds}\n`] : [],
    ),
  );
  await restore(lines);
  return fake;
}
