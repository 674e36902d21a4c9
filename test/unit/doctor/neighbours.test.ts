import { expect, it } from 'vitest';
import { examine } from '../../../src/faces/doctor/examine.ts';
import type { Line } from '../../../src/faces/doctor/model.ts';
import { stageHost, type Staging } from './staged-host.ts';

// Names of chains, tables and sets as the packages of Debian 13 make them; that they do is seen in test/lab/scenarios/neighbours.test.ts.

const filter = (...lines: readonly string[]): Staging => ({
  rules: `*filter\n${lines.join('\n')}\nCOMMIT\n`,
});
const tables = (...nftTables: readonly string[]): Staging => ({ view: { nftTables } });

async function linesOf(topic: string, staging: Staging): Promise<readonly Line[]> {
  return examine(await stageHost(staging)).filter((line) => line.topic === topic);
}

it.each<[string, string, Staging, RegExp, RegExp?]>([
  [
    'ufw',
    'is on',
    filter(':ufw-user-input - [0:0]'),
    /guards the host's own services; published ports pass it by/,
    /`ufw allow PORT`/,
  ],
  [
    'ufw-docker',
    'its block',
    filter(':ufw-user-forward - [0:0]', '-I DOCKER-USER -j ufw-user-forward'),
    /they drop what dockwall opens/,
    /iptables -F DOCKER-USER/,
  ],
  [
    'ufw-docker',
    'what is left of its block when ufw was reset',
    filter(':ufw-docker-logging-deny - [0:0]', '-I DOCKER-USER -j ufw-docker-logging-deny'),
    /they drop what dockwall opens/,
    /after\.rules/,
  ],
  [
    'firewalld',
    'with nftables',
    tables('inet firewalld'),
    /a reload leaves Docker's rules and dockwall's alone/,
  ],
  [
    'firewalld',
    'with iptables',
    filter(':INPUT_POLICIES - [0:0]'),
    /each start, reload and stop of it takes every rule of iptables away/,
    /FirewallBackend=nftables/,
  ],
  [
    'fail2ban',
    'by sets that nobody looks into',
    { sets: 'create f2b-sshd hash:ip\n' },
    /bans in INPUT, which published ports do not pass; dockwall looks into 0 of its 1 sets/,
    /^deny: \[\{ipset: f2b-JAIL\}, \{ipset: f2b-JAIL6\}\]/,
  ],
  [
    'fail2ban',
    'by nftables, as Debian 13 has it',
    tables('inet f2b-table'),
    /by sets of nftables, which dockwall cannot look into/,
    /banaction = iptables-ipset in jail\.local/,
  ],
  ['fail2ban', 'by a chain', filter(':f2b-sshd - [0:0]'), /bans in INPUT/, /banaction = iptables-ipset/],
  [
    'crowdsec',
    'by sets, one of them denied',
    {
      config: 'deny: [{ipset: crowdsec-blacklists}]',
      sets: 'create crowdsec-blacklists hash:net\ncreate crowdsec6-blacklists hash:net family inet6\n',
    },
    /dockwall looks into 1 of its 2 sets/,
    /crowdsec-blacklists\}, \{ipset: crowdsec6-blacklists\}/,
  ],
  [
    'crowdsec',
    'by nftables, as Debian 13 has it',
    tables('ip crowdsec', 'ip6 crowdsec6'),
    /by sets of nftables, which dockwall cannot look into/,
    /mode: iptables/,
  ],
  ['kubernetes', '', filter(':KUBE-FORWARD - [0:0]'), /not published by Docker/],
  ['calico', '', filter(':cali-FORWARD - [0:0]'), /bits of the packet mark/],
  ['tailscale', '', filter(':ts-input - [0:0]'), /trusted: \["interface:tailscale0"\]/],
  ['libvirt', 'with iptables', filter(':LIBVIRT_INP - [0:0]'), /outside like anybody.*interface:virbr0/],
  ['libvirt', 'with nftables', tables('ip libvirt_network'), /outside like anybody.*interface:virbr0/],
  ['libvirt', 'by its bridge', { view: { interfaces: ['lo', 'virbr0'] } }, /interface:virbr0/],
  ['lxc', 'with nftables', tables('ip lxc', 'inet lxc'), /outside like anybody.*interface:lxcbr0/],
  ['lxc', 'by its bridge', { view: { interfaces: ['lo', 'lxcbr0'] } }, /interface:lxcbr0/],
])('%s: %s', async (topic, _, staging, text, advice) => {
  const expected = { topic, kind: 'note', text: expect.stringMatching(text) };
  const advised = advice ? { ...expected, advice: expect.stringMatching(advice) } : expected;
  expect(await linesOf(topic, staging)).toMatchObject([advised]);
});

it('a program whose sets all refuse is well', async () => {
  const staging: Staging = {
    config: 'deny: [{ipset: f2b-sshd}, {ipset: f2b-sshd6}]',
    sets: 'create f2b-sshd hash:ip\ncreate f2b-sshd6 hash:ip family inet6\n',
  };
  expect(await linesOf('fail2ban', staging)).toMatchObject([
    { kind: 'ok', text: 'who it bans is refused at published ports too, by 2 of its sets' },
  ]);
});

it('chains that ufw leaves when it is disabled are no ufw', async () => {
  const left = filter(
    ':ufw-before-input - [0:0]',
    ':ufw-user-forward - [0:0]',
    '-A INPUT -j ufw-before-input',
  );
  expect(await linesOf('ufw', left)).toEqual([]);
  expect(await linesOf('others', left)).toMatchObject([{ kind: 'ok' }]);
});
