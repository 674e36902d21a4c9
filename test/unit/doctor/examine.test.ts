import { describe, expect, it } from 'vitest';
import { examine, exitCodeOf } from '../../../src/faces/doctor/examine.ts';
import { askNft } from '../../../src/faces/doctor/look.ts';
import { doctorText } from '../../../src/faces/doctor/text.ts';
import { type Run, runCommand } from '../../../src/reach/kernel/command.ts';
import { stageHost, type Staging } from './staged-host.ts';

async function told(
  staging: Staging = {},
): Promise<{ readonly lines: readonly string[]; readonly exitCode: number }> {
  const view = await stageHost(staging);
  const lines = examine(view);
  const words = lines.map(({ kind, topic, text }) => `${kind} ${topic}: ${text}`);
  return { lines: words, exitCode: exitCodeOf(view, lines) };
}

describe('a healthy host', () => {
  it('is told line by line', async () => {
    const { lines, exitCode } = await told({ labels: { 'dockwall.public': '*' } });
    expect(lines).toEqual([
      'ok dockwall: 0.1.0',
      'ok docker: Docker 29.1.0, API 1.52, writes iptables rules, live-restore off, no Swarm',
      'ok docker-proxy: on: it serves IPv6 to networks that have IPv4 only',
      'ok privileges: NET_ADMIN and NET_RAW',
      "ok rules: iptables in use: nft; Docker's chains are in nft; the gate belongs into nft",
      'ok ipv6: on, with a wall of its own',
      'ok kernel: Linux 6.12.0: hash:net, hash:net,port, hash:ip,port,net, list:set, set match, mark',
      'ok nft: tells of changes by others',
      'ok conntrack: shows running connections',
      'ok walls: IPv4: gate (nft) and front (nft) stand',
      'ok walls: IPv6: gate (nft) and front (nft) stand',
      'ok daemon: runs, and is healthy',
      'ok boot: the unit dockwall-boot is installed',
      'ok configuration: good',
      'ok labels: good',
      'ok interfaces: outside: eth0; inside: lo, docker0, br-0123456789ab',
      'ok mark: no rule of others touches the bits 0x1000 and 0x80',
      'ok others: no firewall tool that dockwall knows',
      'ok clock: plausible',
      'ok state: the state folder can be written',
    ]);
    expect(exitCode).toBe(0);
  });

  it('is a table for a person, wrapped, with what to do below each line', async () => {
    const view = await stageHost({ view: { bootUnit: undefined } });
    const text = doctorText(examine(view));
    expect(text).toMatch(/^ok {4}kernel {9}Linux 6/m);
    expect(text).toMatch(
      /^note {2}boot .*\n(?: {20,}.*\n)* {20,}-> on the host: systemctl is-enabled dockwall-boot$/m,
    );
    expect(text).toMatch(/\n\nno problem, 1 note\.$/);
    expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100);
  });
});

describe('what is wrong', () => {
  const rule = (table: string, line: string): string => `*${table}\n${line}\nCOMMIT\n`;
  const restore = '-A PREROUTING -p udp -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff';

  it.each<[string, Staging, string | RegExp, number]>([
    [
      'no engine',
      { view: { docker: 'unreachable', decided: undefined } },
      'problem docker: Docker does not answer',
      5,
    ],
    [
      'an engine behind a proxy',
      { view: { docker: 'refuses', decided: undefined } },
      /^problem docker: Docker answers, but refuses/,
      1,
    ],
    [
      'rootless',
      { engine: { info: { OSType: 'linux', SecurityOptions: ['name=rootless'] } } },
      /^problem docker: this Docker engine is rootless/,
      4,
    ],
    [
      'nftables',
      { engine: { info: { FirewallBackend: { Driver: 'nftables' } } } },
      /^note docker: Docker says that it uses its nftables backend/,
      0,
    ],
    [
      'no capability',
      { view: { missingCapabilities: ['NET_ADMIN'] } },
      'problem privileges: this process lacks NET_ADMIN',
      4,
    ],
    [
      'no ipset',
      { view: { netfilter: { kind: 'failed', code: 'no-kernel-support' }, decided: undefined } },
      /^problem rules: the kernel has no netfilter/,
      4,
    ],
    [
      'no program to read interfaces with',
      { host: { linksProblem: 'running ip: no such program' } },
      /^note docker: which interfaces are bridges.* cannot be read/,
      0,
    ],
    [
      'a network whose bridge no rule can name',
      {
        networks: [
          { Id: 'n', Name: 'x', Driver: 'bridge', Options: { 'com.docker.network.bridge.name': 'e+' } },
          {
            Id: 'm',
            Name: 'bridge',
            Driver: 'bridge',
            Options: { 'com.docker.network.bridge.name': 'docker0' },
          },
        ],
      },
      /^problem networks: network x \(e\+\): no rule can name this bridge/,
      1,
    ],
    [
      'a set type',
      { view: { features: [{ name: 'hash:net,port', works: false, optional: false }] } },
      'problem kernel: Linux 6.12.0 lacks hash:net,port',
      4,
    ],
    [
      'no list:set',
      { view: { features: [{ name: 'list:set', works: false, optional: true }] } },
      'note kernel: Linux 6.12.0 lacks list:set',
      0,
    ],
    [
      'features untried',
      { view: { features: [{ name: 'mark', works: undefined, optional: false }] } },
      /^note kernel: .* were not tried/,
      0,
    ],
    [
      'an nft that crashes',
      { view: { nftTables: undefined, nftCrash: 'SIGSEGV' } },
      /^note nft: the program nft crashes \(SIGSEGV\), as nft 1\.0\.6 does/,
      0,
    ],
    ['no nft', { view: { nftTables: undefined } }, /^note nft: the program nft does not work/, 0],
    [
      'no conntrack',
      { view: { conntrack: false } },
      /^note conntrack: the program conntrack does not work/,
      0,
    ],
    [
      'a lock of its own',
      { kernel: { backends: ['legacy'] }, view: { sharedLock: false } },
      /^problem lock: iptables-legacy is in use, and its lock/,
      1,
    ],
    ['no IPv6', { kernel: { ipv6: false } }, 'ok ipv6: this kernel has no IPv6; there is one wall only', 0],
    ['IPv6 switched off', { view: { ipv6Disabled: true } }, /^note ipv6: switched off/, 0],
    ['no docker-proxy', { view: { listening: new Set() } }, /^note docker-proxy: off/, 0],
    [
      'no docker-proxy, and dockerd itself listens (28.5)',
      { rules: rule('nat', '-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER') },
      /^note docker-proxy: off/,
      0,
    ],
    [
      'docker-proxy, and nobody listens now',
      {
        rules: rule('nat', '-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER'),
        view: { listening: new Set() },
      },
      /^ok docker-proxy: on/,
      0,
    ],
    ['no gate', { bare: true }, /^problem walls: IPv4: the gate is NOT IN PLACE/, 1],
    ['no daemon', { view: { daemon: undefined } }, /^problem daemon: no daemon answers/, 1],
    [
      'a daemon with problems',
      { view: { daemon: { healthy: false, problems: ['a', 'b'], drift: {} } } },
      'problem daemon: runs, and has 2 problems',
      1,
    ],
    [
      'saved rules with ours in them',
      { view: { savedRules: ['/etc/iptables/rules.v4'] } },
      /^problem saved: \/etc\/iptables\/rules\.v4: .*does not load at the next boot/,
      1,
    ],
    [
      'saved rules unseen',
      { view: { savedRules: undefined } },
      /^note saved: .*cannot be seen from a container/,
      0,
    ],
    ['no unit', { view: { bootUnit: false } }, /^note boot: no unit dockwall-boot/, 0],
    [
      'a boot wall',
      { rules: rule('mangle', ':DOCKWALL-BOOT-PORTS - [0:0]') },
      /^note boot: the boot wall still stands/,
      0,
    ],
    [
      'a bad configuration',
      { view: { config: { problems: 2, warnings: 0 } } },
      'problem configuration: 2 mistakes: it is not in force',
      1,
    ],
    [
      'a bad label',
      { labels: { 'dockwall.allow': 'ofice' } },
      'problem labels: 1 mistake; these containers open nothing: wiki',
      1,
    ],
    [
      'a ban list that is not made yet',
      { config: 'deny: ["ipset:bans"]' },
      /^ok ipsets: 1 of others, 1 of them not made yet, so nobody is in those$/,
      0,
    ],
    [
      'a ban list that has to be there, and is not',
      { config: 'deny: [{ipset: bans, missing: problem}]' },
      /^problem ipsets: 1 of 1 external sets cannot be looked into; 1 of them should refuse/,
      1,
    ],
    [
      'a list of friends that is not there',
      { config: 'trusted: ["ipset:friends"]' },
      /^note ipsets: 1 of 1 .*: they let nobody in$/,
      0,
    ],
    [
      'a ban list',
      { config: 'deny: ["ipset:bans"]', sets: 'create bans hash:ip\n' },
      'ok ipsets: 1 of others, all looked into',
      0,
    ],
    [
      'an interface that is not there',
      { config: 'interfaces: [eth0, eth7]' },
      'problem interfaces: configured, and not there: eth7',
      1,
    ],
    [
      'an interface that is not judged',
      { config: 'interfaces: [eth0]', view: { interfaces: ['lo', 'eth0', 'wlan0'] } },
      /^note interfaces: not judged: .* wlan0/,
      0,
    ],
    [
      'a mark of others',
      { rules: rule('mangle', restore) },
      "problem mark: rules of others write dockwall's bit 0x1000 of the packet mark: mangle PREROUTING (IPv4)",
      1,
    ],
    [
      'a mark beside ours',
      { rules: rule('mangle', '-A PREROUTING -p udp -j MARK --set-xmark 0x40000/0xff0000') },
      /^ok mark: /,
      0,
    ],
    [
      'our bit itself',
      { rules: rule('mangle', '-A PREROUTING -p udp -j MARK --set-xmark 0x0/0x1000') },
      /^problem mark: .*packet mark/,
      1,
    ],
    [
      'the connection mark',
      { rules: rule('mangle', '-A PREROUTING -p udp -j CONNMARK --set-xmark 0x80/0xff') },
      /^problem mark: .*0x80 of the connection mark/,
      1,
    ],
    [
      'a whole mark compared',
      { rules: rule('mangle', '-A PREROUTING -m mark --mark 0xca6c -j RETURN') },
      /^note mark: rules of others compare the whole/,
      0,
    ],
    [
      'rules in DOCKER-USER',
      { rules: rule('filter', '-I DOCKER-USER -s 192.0.2.0/24 -j DROP') },
      /^note others: 1 rule of others in DOCKER-USER/,
      0,
    ],
    [
      'rules before the gate',
      { rules: rule('mangle', '-I PREROUTING -j ACCEPT') },
      /^note others: 1 rule of others before the gate/,
      1,
    ],
    [
      'a rule before the gate that sees answers',
      { rules: rule('mangle', '-I POSTROUTING -j ACCEPT') },
      /^note others: 1 rule of others before the gate/,
      1,
    ],
    ['the clock', { view: { clockBehind: true } }, /^problem clock: /, 1],
    ['no state folder', { view: { stateFolder: false } }, /^note state: /, 0],
  ])('%s', async (_, staging, expected, code) => {
    const { lines, exitCode } = await told(staging);
    expect(lines).toContainEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected));
    expect(exitCode).toBe(code);
  });
});

it('tells nothing of who may come in, and of what people have written', async () => {
  const view = await stageHost({
    config: `
trusted: [198.51.100.77, "ipset:secret-admins"]
groups: {secret-office: [203.0.113.0/24], secret-bans: [{ipset: secret-set}]}
deny: [secret-bans]
`,
    labels: { 'dockwall.allow': 'secret-ofice 192.0.2.77', 'dockwall.description': 'secret-words' },
    rules: '*filter\n-I DOCKER-USER -s 192.0.2.99 -m comment --comment secret-comment -j DROP\nCOMMIT\n',
    sets: 'create secret-set hash:net,port\ncreate f2b-secret hash:ip\nadd f2b-secret 192.0.2.98\n',
    engine: { remote: 'tcp://secret-user:secret-word@192.0.2.200:2375/?token=secret-token' },
    view: {
      remote: 'tcp://secret-user:secret-word@192.0.2.200:2375/?token=secret-token',
      daemon: { healthy: false, problems: ['configuration: dockwall.yml:3: secret-value'], drift: {} },
    },
  });
  const lines = examine(view);
  const all = `${doctorText(lines)}\n${JSON.stringify(lines)}`;
  expect(all).not.toMatch(/secret|192\.0\.2|198\.51\.100|203\.0\.113|token/);
  expect(all).toContain('wiki');
});

describe('what to do', () => {
  const advised = async (topic: string, staging: Staging): Promise<string | undefined> =>
    examine(await stageHost(staging)).find((line) => line.topic === topic)?.advice;

  it('a user other than root gets no capability from Docker, whatever is added', async () => {
    const view = { missingCapabilities: ['NET_ADMIN', 'NET_RAW'] };
    expect(await advised('privileges', { view })).toContain('privileged: true');
    const user = await advised('privileges', { view: { ...view, root: false } });
    const asRoot = 'run it as root: take "user:" out of the dockwall service in the compose file';
    expect(user).toBe(asRoot);
    const blind: Staging['view'] = {
      root: false,
      docker: 'unreachable',
      netfilter: { kind: 'failed', code: 'no-permission' },
      decided: undefined,
      features: [{ name: 'mark', works: undefined, optional: false }],
    };
    for (const topic of ['docker', 'rules', 'kernel'])
      expect(await advised(topic, { view: blind })).toBe(asRoot);
  });

  it('the lock is mounted without making a folder where there is none', async () => {
    const staging: Staging = { kernel: { backends: ['legacy'] }, view: { sharedLock: false } };
    expect(await advised('lock', staging)).toContain('create_host_path: false');
  });
});

describe('a program nft', () => {
  it.each([
    ['kill -SEGV $$', { nftTables: undefined, nftCrash: 'SIGSEGV' }],
    ['exit 1', { nftTables: undefined }],
    ['echo table ip docker-bridges', { nftTables: ['ip docker-bridges'] }],
  ])('%s', async (script, found) => {
    const fake: Run = async (command) => runCommand({ ...command, program: 'sh', args: ['-c', script] });
    expect(await askNft(fake)).toEqual(found);
  });
});
