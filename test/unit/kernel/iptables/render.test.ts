import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RuleChange } from '../../../../src/decide/diff/model.ts';
import { tokenize } from '../../../../src/decide/diff/tokens.ts';
import type { Match, Rule, Target } from '../../../../src/decide/wall/model.ts';
import { renderTables } from '../../../../src/reach/kernel/iptables/render.ts';
import { ruleText } from '../../../../src/reach/kernel/iptables/rule.ts';
import { rule } from '../../../contract/samples.ts';

function render(...changes: readonly RuleChange[]): readonly string[] {
  return renderTables([{ family: 4, backend: 'nft', table: 'mangle', changes }])
    .split('\n')
    .slice(1, -2);
}

const insert = (chain: string, position: number, id: string): RuleChange => ({
  kind: 'insert-rule',
  chain,
  position,
  rule: rule(id, [], { note: '' }),
});
const text = (id: string): string => `-m comment --comment "dockwall:${id}" -j RETURN`;

describe('a section', () => {
  test('one for each table, in the order given', () => {
    const base = {
      family: 4,
      backend: 'nft',
      changes: [{ kind: 'delete-rule', chain: 'A', position: 2, spec: '' }],
    } as const;
    expect(
      renderTables([
        { ...base, table: 'mangle' },
        { ...base, table: 'filter' },
      ]),
    ).toBe('*mangle\n-D A 2\nCOMMIT\n*filter\n-D A 2\nCOMMIT\n');
    expect(renderTables([])).toBe('');
  });

  test('a new chain is filled by appending, an old one by position', () => {
    expect(
      render(
        { kind: 'create-chain', chain: 'NEW' },
        insert('NEW', 1, 'a'),
        insert('NEW', 2, 'b'),
        insert('NEW', 1, 'c'),
        insert('NEW', 4, 'd'),
        insert('OLD', 1, 'e'),
      ),
    ).toEqual([
      ':NEW - [0:0]',
      `-A NEW ${text('a')}`,
      `-A NEW ${text('b')}`,
      `-I NEW 1 ${text('c')}`,
      `-A NEW ${text('d')}`,
      `-I OLD 1 ${text('e')}`,
    ]);
  });

  test('hooks go to the first place, and away by what they say', () => {
    const spec = '-m comment --comment "dockwall:x y" -j DOCKWALL-GATE';
    expect(
      render(
        { kind: 'unhook', chain: 'FORWARD', spec },
        { kind: 'hook', chain: 'FORWARD', rule: rule('x', [], { note: '' }) },
      ),
    ).toEqual([`-D FORWARD ${spec}`, `-I FORWARD 1 ${text('x')}`]);
  });

  test('chains that go together are all emptied first', () => {
    expect(
      render(
        { kind: 'delete-chain', chain: 'A' },
        { kind: 'delete-chain', chain: 'B' },
        { kind: 'create-chain', chain: 'C' },
      ),
    ).toEqual(['-F A', '-F B', '-X A', '-X B', ':C - [0:0]']);
  });

  test.each<[string, RuleChange]>([
    ['a chain that is an option', { kind: 'create-chain', chain: '-F' }],
    ['a chain with a line break', { kind: 'create-chain', chain: 'A\nCOMMIT' }],
    ['a chain that is too long', { kind: 'create-chain', chain: 'A'.repeat(29) }],
    ['no chain', { kind: 'delete-chain', chain: '' }],
    ['a position of 0', { kind: 'delete-rule', chain: 'A', position: 0, spec: '' }],
    ['a position that is no number', { kind: 'delete-rule', chain: 'A', position: Number.NaN, spec: '' }],
    ['a rule of two lines', { kind: 'unhook', chain: 'A', spec: '-j X\n-F' }],
    ['a rule that is too long for one line', { kind: 'unhook', chain: 'A', spec: 'x'.repeat(10_000) }],
  ])('refuses %s', (_, change) => {
    expect(() => render(change)).toThrow(TypeError);
  });
});

describe('a rule', () => {
  const target = (target: Target): string =>
    ruleText(rule('r', [], { target, note: '' })).replace('-m comment --comment "dockwall:r" ', '');
  const match = (match: Match): string =>
    ruleText(rule('r', [match], { note: '' })).replace(` ${text('r')}`, '');

  test.each<[Target, string]>([
    [{ kind: 'accept' }, '-j ACCEPT'],
    [{ kind: 'drop' }, '-j DROP'],
    [{ kind: 'jump', chain: 'X' as never }, '-j X'],
    [{ kind: 'goto', chain: 'X' as never }, '-g X'],
    [{ kind: 'set-mark', bit: 0x40 }, '-j MARK --set-xmark 0x40/0x40'],
    [{ kind: 'clear-mark', bit: 0x8000_0000 }, '-j MARK --set-xmark 0x0/0x80000000'],
    [{ kind: 'set-connection-mark', bit: 0x80 }, '-j CONNMARK --set-xmark 0x80/0x80'],
    [{ kind: 'clear-connection-mark', bit: 0x80 }, '-j CONNMARK --set-xmark 0x0/0x80'],
    [{ kind: 'forget-bound', set: 'dockwall4-x' as never }, '-j SET --del-set dockwall4-x dst,dst,src'],
  ])('%j', (value, expected) => {
    expect(target(value)).toBe(expected);
  });

  test.each<[Match, string]>([
    [{ kind: 'in-interface', name: 'eth0' }, '-i eth0'],
    [{ kind: 'out-interface', name: 'br-0123456789ab' }, '-o br-0123456789ab'],
    [{ kind: 'out-docker-like' }, '-o br-+'],
    [{ kind: 'bridged-container' }, '-m physdev --physdev-in veth+ --physdev-is-bridged'],
    [{ kind: 'reply-direction' }, '-m conntrack --ctdir REPLY'],
    [{ kind: 'state', states: 'RELATED,ESTABLISHED' }, '-m conntrack --ctstate RELATED,ESTABLISHED'],
    [{ kind: 'source', network: '2001:db8::/48' as never }, '-s 2001:db8::/48'],
    [{ kind: 'destination', network: '10.0.0.1' as never }, '-d 10.0.0.1'],
    [{ kind: 'destination', network: 'ff00::/8' as never, negated: true }, '! -d ff00::/8'],
    [{ kind: 'destination-type', type: 'UNICAST' }, '-m addrtype --dst-type UNICAST'],
    [
      { kind: 'destination-type', type: 'LOCAL,ANYCAST', negated: true },
      '-m addrtype ! --dst-type LOCAL,ANYCAST',
    ],
    [{ kind: 'protocol', protocol: 'udp' }, '-p udp'],
    [{ kind: 'icmp', family: 4 }, '-p icmp'],
    [{ kind: 'icmp', family: 6 }, '-p ipv6-icmp'],
    [{ kind: 'not-syn' }, '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN'],
    [
      { kind: 'set', set: 'dockwall4-x' as never, fields: 'dst,dst,src', negated: false },
      '-m set --match-set dockwall4-x dst,dst,src',
    ],
    [
      { kind: 'set', set: 'dockwall4-x' as never, fields: 'src', negated: true },
      '-m set ! --match-set dockwall4-x src',
    ],
    [{ kind: 'mark', bit: 0x40, negated: true }, '-m mark ! --mark 0x40/0x40'],
    [{ kind: 'connection-mark', bit: 0x80 }, '-m connmark --mark 0x80/0x80'],
    [{ kind: 'port', protocol: 'sctp', port: 80 }, '-p sctp -m sctp --dport 80'],
    [{ kind: 'original-port', port: 8080 }, '-m conntrack --ctorigdstport 8080'],
  ])('%j', (value, expected) => {
    expect(match(value)).toBe(expected);
  });

  test.each<[string, Match]>([
    ['an interface that is an option', { kind: 'in-interface', name: '-j' }],
    ['an interface with a blank', { kind: 'in-interface', name: 'a -j ACCEPT' }],
    ['an interface that is too long', { kind: 'in-interface', name: 'a'.repeat(16) }],
    ['a pattern for an interface', { kind: 'in-interface', name: 'e+' }],
    ['a pattern for bridges', { kind: 'out-interface', name: 'br-+' }],
    ['no interface', { kind: 'in-interface', name: '' }],
    ['a network of words', { kind: 'source', network: 'example.org' as never }],
    ['a set that is an option', { kind: 'set', set: '-x' as never, fields: 'src', negated: false }],
    ['a port of 0', { kind: 'port', protocol: 'tcp', port: 0 }],
    ['a port too high', { kind: 'original-port', port: 65_536 }],
    ['half a port', { kind: 'original-port', port: 1.5 }],
    ['a mark of more than 32 bits', { kind: 'mark', bit: 2 ** 32, negated: false }],
  ])('refuses %s', (_, value) => {
    expect(() => match(value)).toThrow(TypeError);
  });

  test('every word of every match is one that was meant, whatever the text', () => {
    const any = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('a" -j ACCEPT', 'a\n-F', '-j', '! -s', '"'),
    );
    fc.assert(
      fc.property(
        any,
        fc.oneof(any, fc.constantFrom('eth0', 'br-+')),
        fc.oneof(any, fc.stringMatching(/^[\w-]{1,40}$/)),
        (note, name, id) => {
          const hostile: Rule = { ...rule(id, [{ kind: 'in-interface', name }]), note };
          let line: string;
          try {
            line = ruleText(hostile);
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError);
            return;
          }
          expect(line).toMatch(/^[ -~]{1,400}$/);
          const words = tokenize(line);
          expect(words.map(({ value }) => value)).toEqual([
            '-i',
            name,
            '-m',
            'comment',
            '--comment',
            expect.stringMatching(new RegExp(`^dockwall:${id}( |$)`)),
            '-j',
            'RETURN',
          ]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a plain note is kept, other characters become question marks', () => {
    expect(ruleText(rule('r', [], { note: 'web 443/tcp: *, a-b_c > d.e' }))).toContain(
      '"dockwall:r web 443/tcp: *, a-b_c > d.e"',
    );
    expect(ruleText(rule('r', [], { note: 'a"b\\c\nd' }))).toContain('"dockwall:r a?b?c?d"');
    expect(ruleText(rule('r', [], { note: 'x'.repeat(300) }))).toContain(`"dockwall:r ${'x'.repeat(200)}"`);
  });
});
