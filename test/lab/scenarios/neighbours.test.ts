import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Target } from '../agent/protocol.ts';
import { runService } from '../containers.ts';
import { NeighbourHost } from '../neighbour-host.ts';
import { until } from '../poll.ts';
import { skipWithoutLab } from '../requirements.ts';
import { engines } from './matrix.ts';
import { askDoctor, expectAtPeace } from './others.ts';
import { Stage, usualConfig } from './stage.ts';
import { type Watch, watching } from './watch.ts';

// Other firewalls on the host, Debian's own packages, and what they do from day to day: none of it takes our rules away, so nobody gets in
// meanwhile. firewalld, which may take them away, is in firewalld.test.ts; netfilter-persistent in saved.test.ts.

const bans = ['f2b-sshd', 'f2b-sshd6', 'crowdsec-blacklists', 'crowdsec6-blacklists'];
const config = `${usualConfig}
deny: [${bans.map((name) => `{ipset: ${name}}`).join(', ')}]
driftCheck: 1s
`;

/** What ufw-docker puts into /etc/ufw/after.rules, by its README: what ufw does not route, no container gets from outside. */
const privateNetworks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
const syn = '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN';
const ufwDocker = `# BEGIN UFW AND DOCKER
*filter
:ufw-user-forward - [0:0]
:ufw-docker-logging-deny - [0:0]
:DOCKER-USER - [0:0]
-A DOCKER-USER -j ufw-user-forward
${privateNetworks.map((net) => `-A DOCKER-USER -s ${net} -j RETURN`).join('\n')}
-A DOCKER-USER -p udp -m udp --sport 53 --dport 1024:65535 -j RETURN
${[syn, '-p udp -m udp --dport 0:32767'].flatMap((what) => privateNetworks.map((net) => `-A DOCKER-USER ${what} -d ${net} -j ufw-docker-logging-deny`)).join('\n')}
-A DOCKER-USER -j RETURN
-A ufw-docker-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW DOCKER BLOCK] "
-A ufw-docker-logging-deny -j DROP
COMMIT
# END UFW AND DOCKER`;

const bouncer = '/etc/crowdsec/bouncers/crowdsec-firewall-bouncer.yaml';
const fail2ban = (action: string): string => `
cat >/etc/fail2ban/jail.local <<EOF
[DEFAULT]
${action}
[sshd]
enabled = true
backend = polling
logpath = /var/log/auth.log
EOF
: >/var/log/auth.log
fail2ban-server -b start
await fail2ban-client ping
`;

/** As tailscaled writes them (its marks are 0x40000 and 0x80000 in 0xff0000), and kube-proxy (0x4000, 0x8000). */
const markers = [
  '-N ts-forward',
  '-A ts-forward -i tailscale0 -j MARK --set-xmark 0x40000/0xff0000',
  '-A ts-forward -m mark --mark 0x40000/0xff0000 -j ACCEPT',
  '-A ts-forward -o tailscale0 -j ACCEPT',
  '-I FORWARD -j ts-forward',
  '-t nat -N ts-postrouting',
  '-t nat -A ts-postrouting -m mark --mark 0x40000/0xff0000 -j MASQUERADE',
  '-t nat -A POSTROUTING -j ts-postrouting',
  '-N KUBE-FORWARD',
  '-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT',
  '-I FORWARD -j KUBE-FORWARD',
  '-t nat -N KUBE-MARK-MASQ',
  '-t nat -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
  '-t nat -N KUBE-MARK-DROP',
  '-t nat -A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000',
  '-t nat -N KUBE-POSTROUTING',
  '-t nat -A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
  '-t nat -A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
  '-t nat -A KUBE-POSTROUTING -j MASQUERADE --random-fully',
  '-t nat -I POSTROUTING -j KUBE-POSTROUTING',
];
const routes = ['5210 fwmark 0x80000/0xff0000 lookup main', '5230 fwmark 0x80000/0xff0000 lookup default'];

describe.skipIf(skipWithoutLab()).each(engines('legacy'))('neighbours, Docker $title', (setup) => {
  let stage: Stage;
  let there: NeighbourHost;
  let closed: readonly Target[];

  beforeAll(async () => {
    stage = await Stage.open(setup);
    stage.rearranged();
    closed = [...stage.both(8002), ...stage.both(8003)];
    [there] = await Promise.all([NeighbourHost.start(stage.lab), stage.client('host').serve({ tcp: [22] })]);
    const { engine } = stage.lab;
    await runService(engine, { name: 'public', publish: ['8001:80'], labels: { 'dockwall.public': '*' } });
    await runService(engine, { name: 'closed', publish: ['8002:80'] });
    await runService(engine, { name: 'allowed', publish: ['8003:80'], labels: { 'dockwall.allow': 'web' } });
    await stage.guard({ config });
  });
  afterEach(async () => expectAtPeace(stage));
  afterAll(async () => stage.close());

  /** X never gets in, and the allowed are served throughout, over IPv4: over IPv6 they pass INPUT, and others may close that. */
  async function nobodyGetsIn(scenario: (watch: Watch) => Promise<void>): Promise<void> {
    await watching({ stage, closed, every: 5 }, async (watch) => {
      const [v4] = stage.both(8002);
      if (v4) await watch.keepReaching('T', [v4]);
      await scenario(watch);
    });
  }

  const v4 = async (who: string, port: number): Promise<string> =>
    stage.client(who).connect(stage.host.v4, port);

  it('S34: ufw: enable, reload, reset; and the block of ufw-docker', async () => {
    await nobodyGetsIn(async () => {
      await there.shell('ufw --force enable');
      await stage.expectClosed('X', 22);
      expect(await v4('X', 8001)).toBe('open');
      expect(await v4('G', 8003)).toBe('open');
      expect((await askDoctor(stage))['ufw']).toMatch(/^note: it guards the host's own services/);
      await there.shell('ufw allow 22/tcp; ufw allow 8001:8003/tcp; ufw reload');
      await stage.expectOpen('X', 22, 8001);
      await stage.expectOpen('G', 8003);
      await expectAtPeace(stage);
      await there.shell('ufw --force reset');
      await stage.expectOpen('X', 22, 8001);
    });
    // it empties DOCKER-USER, whoever has rules there
    await watching({ stage, closed, every: 5 }, async () => {
      await there.shell(`cat >>/etc/ufw/after.rules <<'EOF'\n${ufwDocker}\nEOF\nufw --force enable`);
      expect([await v4('X', 8001), await v4('T', 8002)]).toEqual(['timeout', 'timeout']);
      expect((await askDoctor(stage))['ufw-docker']).toMatch(/^note: .*they drop what dockwall opens/);
      await there.shell('ufw route allow proto tcp from any to any port 80');
      expect([await v4('X', 8001), await v4('T', 8002)]).toEqual(['open', 'open']);
      await there.shell('ufw --force reset');
      // the block stays in force without ufw
      expect(await v4('T', 8002)).toBe('timeout');
      await there.shell('iptables -F DOCKER-USER');
      expect(await v4('T', 8002)).toBe('open');
      const said = await askDoctor(stage);
      expect([said['ufw'], said['ufw-docker']]).toEqual([undefined, undefined]);
    });
    await stage.flushed();
  });

  it('S34: fail2ban: by nftables as it is installed, and by sets that feed deny', async () => {
    const { v4: x4, v6: x6 } = stage.client('X');
    await nobodyGetsIn(async () => {
      await there.shell(`${fail2ban('')}fail2ban-client set sshd banip ${x4}`);
      await there.shell('await nft list table inet f2b-table');
      expect(await v4('X', 8001)).toBe('open');
      expect((await askDoctor(stage))['fail2ban']).toMatch(/^note: .* by sets of nftables/);
      await there.shell('fail2ban-client stop; while fail2ban-client ping 2>/dev/null; do sleep 0.1; done');

      await there.shell(`${fail2ban('banaction = iptables-ipset[type=allports]')}
fail2ban-client set sshd banip ${x4} ${x6}`);
      await shut(8001);
      expect((await askDoctor(stage))['fail2ban']).toMatch(/^ok: who it bans is refused .* by 2 of its sets/);
      // the set stays, since dockwall looks into it, and is empty
      await there.shell('fail2ban-client stop');
      await stage.waitOpen('X', 8001);
    });
  });

  it('S34: CrowdSec and its bouncer: by sets that feed deny, and by nftables as it is installed', async () => {
    const { v4: x4, v6: x6 } = stage.client('X');
    const mode = (word: string): string => `
sed -i 's/^mode:.*/mode: ${word}/' ${bouncer}.local
start bouncer crowdsec-firewall-bouncer -c ${bouncer}
`;
    await nobodyGetsIn(async () => {
      await there.shell(`
start crowdsec crowdsec -c /etc/crowdsec/config.yaml -no-cs
await cscli lapi status
echo 'update_frequency: 500ms' >>${bouncer}.local
cscli decisions add --ip ${x4}
cscli decisions add --ip ${x6}
${mode('iptables')}`);
      await shut(8001);
      expect((await askDoctor(stage))['crowdsec']).toMatch(/^ok: who it bans is refused .* by 2 of its sets/);
      // whom it has banned stays banned when it ends, for as long as it has said
      await there.shell('stop bouncer');
      await stage.expectClosed('X', 8001);
      for (const set of ['crowdsec-blacklists', 'crowdsec6-blacklists'])
        await stage.print('ipset', 'flush', set);
      await there.shell(`${mode('nftables')}await nft get element ip crowdsec crowdsec-blacklists { ${x4} }`);
      expect(await v4('X', 8001)).toBe('open');
      await stage.configure(usualConfig);
      for (const set of bans) await stage.host.exec(['ipset', 'destroy', set], { allowFailure: true });
      expect((await askDoctor(stage))['crowdsec']).toMatch(/^note: .* by sets of nftables/);
      await there.shell('stop bouncer; stop crowdsec');
    });
  });

  it('S34: marks of Tailscale and kube-proxy beside ours, and a clash that doctor finds', async () => {
    const ts = routes.map((rule) => `ip rule add pref ${rule}; ip -6 rule add pref ${rule}`).join('\n');
    await nobodyGetsIn(async () => {
      await there.shell(markers.map((rule) => `iptables ${rule}; ip6tables ${rule}`).join('\n'));
      await there.shell(ts);
      expect(await askDoctor(stage)).toMatchObject({
        mark: expect.stringMatching(/^ok: /),
        tailscale: expect.stringMatching(/^note: /),
        kubernetes: expect.stringMatching(/^note: /),
      });
      await stage.expectOpen('X', 8001);
      await stage.expectOpen('G', 8003);
      await stage.configure(`${usualConfig}\nmark: 0x4000\n`);
      expect((await askDoctor(stage))['mark']).toMatch(
        /^problem: rules of others write dockwall's bit 0x4000 of the packet mark: nat KUBE-MARK-MASQ/,
      );
      await stage.configure(`${usualConfig}\nmark: 0x40000\n`);
      expect((await askDoctor(stage))['mark']).toMatch(/^problem: .*bit 0x40000 .*filter ts-forward/);
      await stage.configure(usualConfig);
      await there.shell(ts.replaceAll('rule add', 'rule del'));
    });
  });

  it('S34: guests of libvirt and of LXC: outside like anybody, and their own traffic is not touched', async () => {
    const guests = [
      {
        name: 'V',
        bridge: 'virbr0',
        port: 'vnet7',
        v4: '192.168.122.50',
        gateway: '192.168.122.1',
        net: 'e',
      },
      { name: 'L', bridge: 'lxcbr0', port: 'vethlxc7', v4: '10.0.3.50', gateway: '10.0.3.1', net: 'f' },
    ];
    await nobodyGetsIn(async () => {
      await there.shell(`
start libvirtd libvirtd
await virsh -c network:///system net-start default
sed -i 's/^USE_LXC_BRIDGE=.*/USE_LXC_BRIDGE="true"/' /etc/default/lxc-net
/usr/libexec/lxc/lxc-net start`);
      for (const { name, bridge, port, v4: address, gateway, net } of guests) {
        const own = { name: port, v4: gateway, v6: `2001:db8:${net}::1` };
        await stage.lab.addCabledClient({ name, v4: address, v6: `2001:db8:${net}::2` }, own);
        const join = `ip addr flush dev ${port}; ip route flush dev ${port}; ip link set ${port} master ${bridge}`;
        await stage.host.exec(['sh', '-ec', join]);
      }
      await stage.client('X').serve({ tcp: [4443] });
      await stage.pass();
      expect(await askDoctor(stage)).toMatchObject({
        interfaces: expect.stringMatching(/outside: ext0, virbr0, lxcbr0\b.*; inside: lo, docker0/),
        libvirt: expect.stringMatching(/^note: its guests/),
        lxc: expect.stringMatching(/^note: its guests/),
      });
      for (const { name, bridge, v4: address, gateway } of guests) {
        const guest = stage.client(name);
        await guest.serve({ tcp: [2222] });
        // to the world, to its name server, from the host, and what the host forwards to it
        await until({ what: `${name} to reach the world`, ms: 5000 }, async () => {
          return (await guest.connect(stage.client('X').v4, 4443)) === 'open';
        });
        await until({ what: `${name} to reach its name server`, ms: 5000 }, async () => {
          return (await guest.connect(gateway, 53)) === 'open';
        });
        expect(await stage.client('host').connect(address, 2222)).toBe('open');
        const forward = `-d ${stage.host.v4} -p tcp --dport 2200 -j DNAT --to-destination ${address}:2222`;
        const accept = `FORWARD -o ${bridge} -p tcp --dport 2222 -j ACCEPT`;
        await there.shell(`iptables -t nat -I PREROUTING ${forward}; iptables -I ${accept}`);
        expect(await v4('X', 2200)).toBe('open');
        await there.shell(`iptables -t nat -D PREROUTING ${forward}; iptables -D ${accept}`);
        // a stranger at published ports
        expect(await guest.connect(stage.host.v4, 8001)).toBe('open');
        expect(await guest.connect(stage.host.v4, 8002)).toBe('timeout');
      }
      await stage.configure(usualConfig.replace('trusted: [', 'trusted: ["interface:virbr0", '));
      expect(await stage.client('V').connect(stage.host.v4, 8002)).toBe('open');
      expect(await stage.client('L').connect(stage.host.v4, 8002)).toBe('timeout');
      await stage.configure(usualConfig);
      await expectAtPeace(stage);
      await there.shell(
        'virsh -c network:///system net-destroy default; /usr/libexec/lxc/lxc-net stop force; stop libvirtd',
      );
    });
  });

  /** X is refused there by a ban, over both families. */
  async function shut(port: number): Promise<void> {
    await until({ what: `X to be shut out of ${port}`, ms: 8000 }, async () => {
      return (await stage.connect('X', port)).every((verdict) => verdict !== 'open');
    });
    await stage.expectOpen('T', port);
  }
});
