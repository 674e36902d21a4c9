import { describe, expect, it } from 'vitest';
import { wayWords } from '../../../src/decide/explain/words.ts';
import { explanationText } from '../../../src/faces/cli/explanation-text.ts';
import { groupsOf, makeContainer, ports } from '../policy/inventories.ts';
import { ask, hostOf, momentOf, type Scene } from './moments.ts';

const endpoints = [{ networkId: '0123456789abcdef', address: '172.18.0.2' }] as never;
const labelled = (labels: Record<string, string>) =>
  makeContainer('web', { endpoints, ports: ports('8080:80'), labels });

describe('the kernel', () => {
  const scene = (after: Scene['after']): Scene => ({
    containers: [labelled({ 'dockwall.allow': 'office' })],
    config: { groups: groupsOf({ office: ['198.51.100.0/24'] }) },
    after: after ?? [],
  });
  const rules = (line: string, table = 'mangle') => ({
    program: 'iptables-nft-restore',
    input: `*${table}\n${line}\nCOMMIT\n`,
  });
  const sets = (line: string) => ({ program: 'ipset', input: `${line}\n` });

  it.each([
    [
      'a rule',
      rules('-F DOCKWALL-GATE'),
      'not managed',
      'the rule "allow office" is missing in DOCKWALL-GATE (mangle, IPv4)',
    ],
    [
      'the hook',
      rules('-F PREROUTING'),
      'not managed',
      'our jump is not the first rule of PREROUTING (mangle, IPv4)',
    ],
    [
      'who is let in',
      sets('del dockwall4-src-office 198.51.100.0/24'),
      'denied',
      '198.51.100.7 is missing in the set dockwall4-src-office',
    ],
    ['the port', sets('del dockwall4-to-office 0.0.0.0/1,tcp:8080'), 'allowed', undefined],
    [
      'the port, for this host',
      sets('del dockwall4-to-office 128.0.0.0/1,tcp:8080'),
      'denied',
      'tcp:8080 is missing in the set dockwall4-to-office',
    ],
    [
      'a stranger among the denied',
      sets('add dockwall4-deny 198.51.100.7'),
      'denied',
      '198.51.100.7 is one too many in the set dockwall4-deny',
    ],
    [
      'the front',
      rules('-F DOCKER', 'filter'),
      'allowed',
      'our jump is not the first rule of DOCKER (filter, IPv4); the gate decides alone meanwhile',
    ],
  ])('%s', async (_, after, does, missing) => {
    const [path] = ask(await momentOf(scene([after])), '198.51.100.7', '8080').paths;
    expect(path).toMatchObject({ verdict: 'allowed', because: { kind: 'allowed' } });
    if (missing === undefined) expect(path?.kernel.kind).toBe('agrees');
    else
      expect(path?.kernel).toMatchObject({
        kind: 'differs',
        does,
        missing: expect.arrayContaining([missing]),
      });
    if (missing !== undefined && path !== undefined)
      expect(explanationText({ version: 2, paths: [path], notes: [] })).toContain(
        `THE KERNEL DIFFERS, there it is ${does === 'not managed' ? 'not managed by dockwall' : does} now: `,
      );
  });

  it.each([
    ['missing', 'del dockwall4-t-public 8500', 'dockwall.public', 'allowed', 'denied'],
    ['one too many', 'add dockwall4-t-public 8500', 'dockwall.description', 'denied', 'allowed'],
  ])('a port of very many is %s', async (words, line, label, verdict, does) => {
    const [port] = ports('8000:8000');
    const many = makeContainer('many', {
      endpoints,
      ports: port === undefined ? [] : [{ ...port, count: 2000 }],
      labels: { [label]: '*' },
    });
    const [path] = ask(
      await momentOf({ containers: [many], after: [sets(line)] }),
      '198.51.100.7',
      '8500',
    ).paths;
    expect(path).toMatchObject({
      verdict,
      kernel: {
        kind: 'differs',
        does,
        sets: [`dockwall4-t-${label === 'dockwall.public' ? 'public' : 'published'}`],
        missing: [`port 8500 is ${words} in the set dockwall4-t-public`],
      },
    });
  });

  it('the rule that closes the bridge, before an address where no container is known', async () => {
    const host = await hostOf(scene([]));
    const { kernel } = await host.look();
    const forward = kernel?.observed.tables
      .find(({ family, table }) => family === 4 && table === 'mangle')
      ?.chains.get('DOCKWALL-FORWARD');
    const bridges = forward?.findIndex(({ spec }) => spec.includes('to br-*')) ?? -1;
    const { program, input } = rules(`-D DOCKWALL-FORWARD ${bridges + 1}`);
    await host.fake.run({ program, args: ['--noflush'], input, timeoutMs: 1000 });
    const [path] = ask(await host.look(), '198.51.100.7', '172.18.0.77:80').paths;
    expect(path).toMatchObject({ verdict: 'denied', kernel: { kind: 'differs', does: 'allowed' } });
  });

  it('the order of rules', async () => {
    const host = await hostOf(scene([]));
    const before = await host.look();
    const judge = before.kernel?.observed.tables
      .find(({ family, table }) => family === 4 && table === 'mangle')
      ?.chains.get('DOCKWALL-GATE');
    const drop = judge?.findIndex(({ spec }) => spec.includes('lets this source in')) ?? -1;
    const { program, input } = rules(
      `-D DOCKWALL-GATE ${drop + 1}\n-I DOCKWALL-GATE 1 ${judge?.[drop]?.spec}`,
    );
    await host.fake.run({ program, args: ['--noflush'], input, timeoutMs: 1000 });
    const [path] = ask(await host.look(), '198.51.100.7', '8080').paths;
    expect(path?.kernel).toMatchObject({
      kind: 'differs',
      does: 'denied',
      missing: ['the rules of DOCKWALL-GATE (mangle, IPv4) are not in their order'],
    });
  });

  it('says which rule and which sets decide', async () => {
    const [path] = ask(await momentOf(scene([])), '198.51.100.7', '8080').paths;
    expect(path?.kernel).toEqual({
      kind: 'agrees',
      rule: { chain: 'DOCKWALL-GATE', id: expect.stringMatching(/^\w+$/), note: 'allow office' },
      sets: ['dockwall4-to-office', 'dockwall4-src-office'],
    });
  });

  it('says nothing of a kernel that was not looked at', async () => {
    const { kernel: _, ...moment } = await momentOf(scene([]));
    const [path] = ask(moment, '198.51.100.7', '8080').paths;
    expect(path).toMatchObject({ verdict: 'allowed', kernel: { kind: 'not asked' } });
    expect(wayWords(path?.way ?? [])).toBe("gate, Docker's DNAT or docker-proxy");
  });
});
