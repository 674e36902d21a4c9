import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runService } from '../containers.ts';
import { runDockwall } from '../dockwall.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { Stage } from './stage.ts';
import { watching } from './watch.ts';

// Somebody else uses the bits in which dockwall's gate tells the rest of the way what it lets through: routing rules and tables of nftables, before
// the gate (mangle is at -150 of PREROUTING) and after it. Public ports may die of it; none that is closed may open, and doctor and explain say who it is.

/** A chain of somebody else that writes marks of all packets, answers too. */
const writes = (priority: number, what: string): string => `
nft add table inet other
nft 'add chain inet other pre { type filter hook prerouting priority ${priority}; }'
nft add rule inet other pre ${what}
`;
/** As for a scheduler (`tc filter ... fw`). */
const classes = (how: '-A' | '-D'): string =>
  ['iptables', 'ip6tables']
    .map((program) => `${program} -t mangle ${how} FORWARD -j MARK --set-mark 0x5\n`)
    .join('');
const families = ['-4', '-6'];
const route = families
  .map(
    (family) => `ip ${family} rule add fwmark 0x1000/0x1000 lookup 99
ip ${family} route add unreachable default table 99
`,
  )
  .join('');
const noRoute = families
  .map(
    (family) => `ip ${family} rule del fwmark 0x1000/0x1000 lookup 99
ip ${family} route flush table 99
`,
  )
  .join('');
const noTable = 'nft delete table inet other';

interface Clash {
  readonly title: string;
  readonly on: string;
  readonly off: string;
  /** What a stranger meets on the public port, over IPv4. */
  readonly meets: 'open' | 'timeout' | 'unreachable';
  /** Whoever writes the bit after the gate has said of a packet that it has passed: only Docker's own rules stand before addresses of containers then. */
  readonly passes?: true;
  /** What doctor and explain say of it. */
  readonly told: RegExp;
}

const writesOurs = /rules of others write dockwall's bit 0x1000 of the packet mark: nft inet other pre/;
const clashes: readonly Clash[] = [
  {
    title: 'a routing rule for our bit',
    on: route,
    off: noRoute,
    meets: 'unreachable',
    told: /which have the bit 0x1000, are routed by rules of others: ip rule \d+ \(IPv4\), ip rule \d+ \(IPv6\)/,
  },
  {
    title: 'the whole mark written after the gate',
    on: writes(-140, 'meta mark set 0x5'),
    off: noTable,
    meets: 'timeout',
    told: writesOurs,
  },
  {
    title: 'our bit written before the gate',
    on: writes(-160, 'meta mark set meta mark or 0x1000'),
    off: noTable,
    meets: 'open',
    told: writesOurs,
  },
  {
    title: 'our bit written after the gate',
    on: writes(-140, 'meta mark set meta mark or 0x1000'),
    off: noTable,
    meets: 'open',
    passes: true,
    told: writesOurs,
  },
  {
    title: 'the whole mark written on the way to a bridge',
    on: classes('-A'),
    off: classes('-D'),
    meets: 'open',
    told: /rules of others write dockwall's bit 0x1000 of the packet mark: mangle FORWARD \(IPv4\)/,
  },
  {
    title: 'our bit of the connection mark',
    on: writes(-160, 'ct mark set ct mark or 0x80'),
    off: noTable,
    meets: 'timeout',
    told: /rules of others write dockwall's bit 0x80 of the connection mark: nft inet other pre/,
  },
];

describe.skipIf(skipWithoutLab()).each(engines('nft'))('marks of others, Docker $title', (setup) => {
  let stage: Stage;
  let container: string;

  beforeAll(async () => {
    stage = await Stage.open(setup);
    const { engine } = stage.lab;
    await runService(engine, { name: 'web', publish: ['8001:80'], labels: { 'dockwall.public': '*' } });
    container = await (await runService(engine, { name: 'closed', publish: ['8002:80'] })).v4();
    await stage.guard();
    await stage.client('N').exec(['ip', 'route', 'add', '172.16.0.0/12', 'via', stage.host.v4]);
  });
  afterAll(async () => stage.close());

  it.each(clashes)('marks: $title', async ({ on, off, meets, passes, told }) => {
    await stage.host.exec(['sh', '-ec', on]);
    try {
      await watching({ stage, closed: stage.both(8002), who: ['X', 'N'] }, async () => {
        expect(await stage.client('X').connect(stage.host.v4, 8001)).toBe(meets);
        // Docker up to 27 lets neighbours through
        if (!passes) expect(await stage.client('N').connect(container, 80)).toBe('timeout');
        else if (Number(setup.version) < 28) {
          const asked = await runDockwall(stage.lab, ['explain', '192.0.2.50', `${container}:80`]);
          expect(asked.stdout).toMatch(told);
        }
        expect((await runDockwall(stage.lab, ['doctor', '--json'])).stdout).toMatch(told);
        expect((await runDockwall(stage.lab, ['explain', '203.0.113.200', 'web'])).stdout).toMatch(told);
      });
    } finally {
      await stage.host.exec(['sh', '-c', off]);
    }
    await stage.expectOpen('X', 8001);
  });
});
