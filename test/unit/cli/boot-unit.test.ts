import { describe, expect, it } from 'vitest';
import type { Listener } from '../../../src/decide/inventory/model.ts';
import type { External } from '../../../src/decide/policy/model.ts';
import { resolve } from '../../../src/decide/policy/resolve.ts';
import { type KeptPort, renderBoot } from '../../../src/decide/wall/boot.ts';
import { type BootUnit, bootUnitText } from '../../../src/faces/cli/boot-unit-text.ts';
import { hostPorts, keptPorts } from '../../../src/faces/cli/boot-unit.ts';
import { UserError } from '../../../src/faces/cli/exit-code.ts';
import { unitCommands } from '../../lab/systemd.ts';
import { makeConfig, makeContainer, makeInventory, ports } from '../policy/inventories.ts';

const tcp = (port: number): KeptPort & Listener => ({ protocol: 'tcp', port });
const udp = (port: number): KeptPort & Listener => ({ protocol: 'udp', port });

const auto: External = { kind: 'auto' };
const inside = ['br-0123456789ab', 'docker0', 'yard0'];

function unit(external: External = auto, backend: 'nft' | 'legacy' = 'nft'): BootUnit {
  const kept = [tcp(22), udp(51_820)];
  const walls = ([4, 6] as const).map((family) => ({
    table: renderBoot({ external, inside, foreignBridges: ['br-lan'], bridgedSeen: true }, kept, family),
    backend,
  }));
  return { kept, left: [tcp(40_000)], walls };
}

/** The scripts that systemd would give to the shell. */
function scripts(key: 'ExecStart' | 'ExecStop', text = bootUnitText(unit())): readonly string[] {
  return unitCommands(text, key).map(({ argv }) => argv[2] ?? '');
}

/** What a script gives to iptables-restore. */
function rules(script: string | undefined): readonly string[] {
  return [...(script ?? '').matchAll(/'(-A [^']*)'/g)].map(([, rule = '']) =>
    rule.replace(/ -m comment --comment "[^"]*"/, ''),
  );
}

describe('the boot unit', () => {
  it('lets new connections from outside reach only what is kept, and nothing go to a bridge of Docker', () => {
    const [four, six] = scripts('ExecStart');
    expect(rules(four)).toEqual([
      '-A DOCKWALL-BOOT-PORTS -p tcp -m tcp --dport 22 -j RETURN',
      '-A DOCKWALL-BOOT-PORTS -p udp -m udp --dport 51820 -j RETURN',
      '-A DOCKWALL-BOOT-PORTS -p udp -m udp --dport 68 -j RETURN',
      '-A DOCKWALL-BOOT-PORTS -p tcp -m conntrack --ctstate NEW -j DROP',
      '-A DOCKWALL-BOOT-PORTS -p udp -m conntrack --ctstate NEW -j DROP',
      '-A DOCKWALL-BOOT-PORTS -p sctp -m conntrack --ctstate NEW -j DROP',
      '-A DOCKWALL-BOOT-INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN',
      ...['lo', ...inside].map((name) => `-A DOCKWALL-BOOT-INPUT -i ${name} -j RETURN`),
      '-A DOCKWALL-BOOT-INPUT -g DOCKWALL-BOOT-PORTS',
      '-A DOCKWALL-BOOT-OUTSIDE -m physdev --physdev-in veth+ --physdev-is-bridged -j RETURN',
      ...['lo', ...inside].map((name) => `-A DOCKWALL-BOOT-OUTSIDE -i ${name} -j RETURN`),
      '-A DOCKWALL-BOOT-OUTSIDE -j DROP',
      '-A DOCKWALL-BOOT-FORWARD -m conntrack --ctdir REPLY -j RETURN',
      '-A DOCKWALL-BOOT-FORWARD -p icmp -m conntrack --ctstate RELATED -j RETURN',
      '-A DOCKWALL-BOOT-FORWARD -o br-lan -j RETURN',
      ...['br-+', 'docker0', 'docker_gwbridge', 'yard0'].map(
        (name) => `-A DOCKWALL-BOOT-FORWARD -o ${name} -g DOCKWALL-BOOT-OUTSIDE`,
      ),
    ]);
    const inSix = (rule: string): string =>
      rule.replace('--dport 68 ', '--dport 546 ').replace('-p icmp ', '-p ipv6-icmp ');
    expect(rules(six)).toEqual(rules(four).map(inSix));
  });

  it('judges the interfaces of the configuration, where it names them', () => {
    const [four] = scripts('ExecStart', bootUnitText(unit({ kind: 'list', names: ['eth0'] })));
    expect(rules(four)).toContain('-A DOCKWALL-BOOT-INPUT -i eth0 -g DOCKWALL-BOOT-PORTS');
    expect(rules(four)).not.toContain('-A DOCKWALL-BOOT-INPUT -g DOCKWALL-BOOT-PORTS');
  });

  it('uses the programs of the backend', () => {
    const text = bootUnitText(unit(auto, 'legacy'));
    expect(scripts('ExecStart', text)[0]).toMatch(/^t=iptables-legacy; /);
    expect(scripts('ExecStart', text)[1]).toContain('t=ip6tables-legacy; ');
  });

  it('says what it keeps open, and what it does not', () => {
    const text = bootUnitText(unit());
    expect(text).toMatch(/REACH ONLY THESE PORTS.*\n#\n# {3}22\/tcp 51820\/udp\n/);
    expect(text).toMatch(/NOT kept.*40000\/tcp/);
    expect(text).toMatch(/^Before=.*\bnetwork-pre\.target\b.*\bdocker\.service\b/m);
  });

  it('stops without a complaint where there is nothing any more', () => {
    expect(unitCommands(bootUnitText(unit()), 'ExecStop').map(({ mayFail }) => mayFail)).toEqual([
      true,
      true,
    ]);
    expect(scripts('ExecStop')[0]).toMatch(/-D INPUT .*-D FORWARD .*-F \$c; done; .*-X \$c; done;$/);
  });
});

describe('hostPorts', () => {
  it("leaves out containers' ports, and numbers that Docker may choose", () => {
    const containers = [
      makeContainer('web', { ports: ports('80:80', '5300:53/udp') }),
      makeContainer('old', { ports: ports('8080:80'), active: false }),
    ];
    const policy = resolve(makeInventory(containers), makeConfig());
    const listeners = [tcp(22), tcp(80), tcp(5300), udp(5300), tcp(8080), udp(40_000), tcp(32_768)];
    expect(hostPorts(listeners, policy, 32_768)).toEqual({
      kept: [tcp(22), tcp(5300)],
      left: [udp(40_000), tcp(32_768)],
    });
    // where the host's ip_local_port_range begins somewhere else
    expect(hostPorts(listeners, policy, 36_000).left).toEqual([udp(40_000)]);
    expect(hostPorts(listeners, policy, 5000).kept).toEqual([tcp(22)]);
  });
});

describe('keptPorts', () => {
  const found = [tcp(443), tcp(22)];

  it.each([
    [undefined, [tcp(22), tcp(443)]],
    ['22/tcp,51820/udp', [tcp(22), udp(51_820)]],
    ['+51820/udp', [tcp(22), tcp(443), udp(51_820)]],
    ['+22/tcp', [tcp(22), tcp(443)]],
    ['53', [tcp(53), udp(53)]],
    ['8000-8002/tcp', [tcp(8000), tcp(8001), tcp(8002)]],
  ])('%j', (asked, kept) => expect(keptPorts(asked, found)).toEqual(kept));

  it.each(['ssh', '22/tpc', '', '+', '1-65535', '0'])('refuses %j', (asked) =>
    expect(() => keptPorts(asked, found)).toThrow(UserError),
  );
});
