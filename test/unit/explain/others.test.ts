import { describe, expect, it } from 'vitest';
import type { NftHook } from '../../../src/decide/diff/model.ts';
import { optionsOf, takes } from '../../../src/decide/explain/rule-of-others.ts';
import { explanationText } from '../../../src/faces/cli/explanation-text.ts';
import { makeContainer, ports } from '../policy/inventories.ts';
import { ask, momentOf } from './moments.ts';

// dockwall lets it in, and somebody else does not: the answer names who.

const endpoints = [{ networkId: '0123456789abcdef', address: '172.18.0.2' }] as never;
const web = makeContainer('web', { endpoints, ports: ports('8080:80'), labels: { 'dockwall.public': '*' } });

/** Lines of somebody else in the filter table of iptables-nft. */
function filter(program: 'iptables' | 'ip6tables', ...lines: readonly string[]) {
  return { program: `${program}-nft-restore`, input: ['*filter', ...lines, 'COMMIT', ''].join('\n') };
}

const dockerUser = (rule: string) =>
  filter('iptables', ':DOCKER-USER - [0:0]', '-I FORWARD -j DOCKER-USER', `-A DOCKER-USER ${rule}`);

async function told(after: readonly ReturnType<typeof filter>[], source = '198.51.100.7'): Promise<string> {
  return explanationText(ask(await momentOf({ containers: [web], after }), source, 'web'));
}

describe('a rule of others on the way', () => {
  it.each([
    ['-i eth0 -m conntrack --ctstate NEW -j DROP', 'may be stopped'],
    ['-j REJECT', 'stopped'],
    ['-d 172.18.0.0/16 -p tcp -m tcp --dport 80 -j DROP', 'stopped'],
    ['-m conntrack --ctorigdstport 8080 -j DROP', 'stopped'],
    ['-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP', 'stopped'],
    ['-m mark ! --mark 0x1/0x1 -j DROP', 'may be stopped'],
  ])('%s in DOCKER-USER: %s', async (rule, words) => {
    const text = await told([dockerUser(rule)]);
    expect(text).toContain(`  ${words} by DOCKER-USER (filter, IPv4, nft): ${rule}`);
    expect(text.startsWith('allowed by dockwall, STOPPED BY OTHERS: ')).toBe(words === 'stopped');
    expect(text).toContain("dockwall's rules in the kernel agree");
  });

  it.each([
    '-p udp -j DROP',
    '-s 203.0.113.0/24 -j DROP',
    '-m conntrack --ctstate RELATED,ESTABLISHED -j DROP',
    '-i br-0123456789ab -j DROP',
    '-p tcp -m tcp --dport 8080 -j DROP',
    '-m comment --comment "-j DROP" -j RETURN',
    '-j LOG --log-prefix "x -j DROP"',
  ])('%s in DOCKER-USER stops nobody here', async (rule) => {
    expect(await told([dockerUser(rule)])).not.toContain('stopped');
  });

  it('what an earlier rule surely accepts, none stops', async () => {
    const text = await told([
      filter('iptables', '-I FORWARD -j DROP', '-I FORWARD -d 172.18.0.2/32 -j ACCEPT'),
    ]);
    expect(text).not.toContain('stopped');
  });

  it('and what one may accept, another may stop', async () => {
    const text = await told([
      filter('iptables', '-I FORWARD -j DROP', '-I FORWARD -m mark --mark 0x1/0x1 -j ACCEPT'),
    ]);
    expect(text).toContain('  may be stopped by FORWARD (filter, IPv4, nft): -j DROP');
    expect(text.startsWith('allowed: ')).toBe(true);
  });

  it('over IPv6 docker-proxy answers, behind what guards INPUT', async () => {
    const text = await told([filter('ip6tables', ':INPUT DROP [0:0]')], '2001:db8:9::7');
    expect(text).toContain('allowed by dockwall, STOPPED BY OTHERS: 2001:db8:9::7');
    expect(text).toContain('  stopped by INPUT (filter, IPv6, nft): policy DROP: no rule lets it through');
  });

  it("Docker's own jumps are gone: what FORWARD does then, and the remedy", async () => {
    const text = await told([
      filter('iptables', ':FORWARD DROP [0:0]', '-D FORWARD -o br-0123456789ab -j DOCKER'),
    ]);
    expect(text).toContain('  stopped by FORWARD (filter, IPv4, nft): policy DROP: no rule lets it through');
    expect(text).toContain(
      "  hint: Docker's own jump is gone from FORWARD (filter, IPv4, nft): restart Docker, which writes its rules again",
    );
  });

  it('a table of nftables that drops on the same hooks is named', async () => {
    const moment = await momentOf({ containers: [web] });
    const nft: readonly NftHook[] = [
      { table: 'inet firewalld', chain: 'filter_FORWARD', hook: 'forward', families: [4, 6] },
      { table: 'inet firewalld', chain: 'filter_INPUT', hook: 'input', families: [4, 6] },
    ];
    const kernel = moment.kernel && { ...moment.kernel, nft };
    const text = explanationText(ask({ ...moment, kernel }, '198.51.100.7', 'web'));
    expect(text).toContain(
      '  may be stopped by nftables, table inet firewalld, chain filter_FORWARD: hook forward',
    );
    expect(text).not.toContain('filter_INPUT');
  });
});

describe('marks of others', () => {
  const mangle = (rule: string) => ({
    program: 'iptables-nft-restore',
    input: ['*mangle', rule, 'COMMIT', ''].join('\n'),
  });
  const use = (what: 'packet' | 'routes', bits: number) => [
    { place: 'nft inet other pre', what, bits, value: bits },
  ];
  const withMarks = async (marks: ReturnType<typeof use>, labels = web.labels): Promise<string> => {
    const moment = await momentOf({ containers: [{ ...web, labels }] });
    return explanationText(
      ask({ ...moment, kernel: moment.kernel && { ...moment.kernel, marks } }, '198.51.100.7', 'web'),
    );
  };

  it('a rule that writes our bit is named, with the remedy', async () => {
    const hint =
      "  hint: rules of others write dockwall's bit 0x1000 of the packet mark: nft inet other pre: give those rules a mask";
    expect(await withMarks(use('packet', 0xff_ff))).toContain(hint);
    const text = await told([mangle('-A PREROUTING -j MARK --set-xmark 0x5/0xffffffff')]);
    expect(text).toContain("write dockwall's bit 0x1000 of the packet mark: mangle PREROUTING (IPv4)");
  });

  it('and a routing rule that asks for it', async () => {
    expect(await withMarks(use('routes', 0x10_00))).toContain(
      'are routed by rules of others: nft inet other pre',
    );
  });

  it('not one of other bits, nor where nobody is let in', async () => {
    expect(await withMarks(use('packet', 0xff))).not.toContain('hint');
    expect(await withMarks(use('packet', 0xff_ff), {})).not.toContain('packet mark');
  });
});

it('any text is a rule that is answered', () => {
  const passing = {
    protocol: 'tcp',
    source: '198.51.100.7',
    destination: '192.0.2.10',
    port: 80,
    original: { destination: '192.0.2.10', port: 80 },
    in: undefined,
    out: undefined,
    bridges: [],
  } as const;
  for (const spec of [
    '',
    '!',
    '-s',
    '-s 10.0.0.0/255.0.255.0',
    '! -p',
    '--dport',
    '-m',
    '"',
    '-d x/y -j DROP',
    '-i',
  ])
    expect(['yes', 'no', 'maybe']).toContain(takes(optionsOf(spec), passing));
  expect(takes(optionsOf('-s 10.0.0.0/255.0.255.0'), passing)).toBe('maybe');
  expect(takes(optionsOf('-s 198.51.100.0/24 ! -d 192.0.2.10/32'), passing)).toBe('no');
});
