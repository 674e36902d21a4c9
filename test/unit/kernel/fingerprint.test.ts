import { expect, test } from 'vitest';
import { hooked } from '../../../src/decide/wall/hooks.ts';
import { Fingerprint } from '../../../src/reach/kernel/fingerprint.ts';
import { ProgramReader, type ReadLines } from '../../../src/reach/kernel/reader.ts';

/** What the programs print now; `size` of `ipset save` as if it were that much. */
interface Said {
  sets?: string;
  counts?: string;
  rules?: string;
  size?: number;
}

const sets = `create dockwall4-trusted hash:net family inet hashsize 1024 maxelem 1048576 timeout 0 bucketsize 12 initval 0x1
add dockwall4-trusted 203.0.113.4 timeout 0
create other hash:ip family inet hashsize 1024 maxelem 65536
create lists list:set size 8`;

const rules = `*mangle
:PREROUTING ACCEPT [12:3456]
:DOCKWALL-GATE - [0:0]
-A PREROUTING -m comment --comment "dockwall:a the gate" -j DOCKWALL-GATE
-A PREROUTING -p tcp -j MARK --set-xmark 0x1/0x1
-A DOCKWALL-GATE -i lo -j RETURN
COMMIT
*filter
:DOCKER - [0:0]
-A DOCKER -j DOCKWALL-SERVICES
-A DOCKER -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT`;

function bench(): { said: Said; look: () => Promise<string>; asked: string[] } {
  const said: Said = {};
  const asked: string[] = [];
  const read: ReadLines = async (argv, onLine) => {
    const program = argv.join(' ');
    asked.push(program);
    const text =
      program === 'ipset save'
        ? (said.sets ?? sets)
        : program === 'ipset list -t'
          ? (said.counts ?? '')
          : (said.rules ?? rules);
    for (const line of text.split('\n')) onLine(line);
    return program === 'ipset save' ? (said.size ?? text.length) : text.length;
  };
  const fingerprint = new Fingerprint(read, () => new Set(['crowdsec', 'lists']));
  return { said, asked, look: async () => fingerprint.take({ families: [4, 6], backends: ['legacy'] }) };
}

const counted = `${sets}\nadd dockwall4-count-passed 0.0.0.0/1,tcp:80 packets 0 bytes 0`;

const noChange: readonly [string, Said][] = [
  ['counters', { rules: rules.replace('[12:3456]', '[99:9999]') }],
  ['a set of somebody else', { sets: `${sets}\nadd other 192.0.2.1` }],
  ['a member that expires', { sets: `${sets}\nadd dockwall4-trusted 192.0.2.1 timeout 59` }],
  ['packets counted', { sets: counted.replace('packets 0 bytes 0', 'packets 7 bytes 420') }],
  [
    'somebody turned away',
    { sets: `${sets}\nadd dockwall4-turned-away 192.0.2.1,tcp:80 timeout 86400 packets 1 bytes 60` },
  ],
  ['an external set that is looked into gets a member', { sets: `${sets}\nadd crowdsec 192.0.2.1` }],
  ['an external set that nobody named', { sets: `${sets}\ncreate more hash:ip family inet` }],
  ['a set that grew', { sets: sets.replace('hashsize 1024', 'hashsize 2048') }],
  ['a rule below ours', { rules: rules.replace('--dport 80', '--dport 81') }],
];

test.each(noChange)('%s: no change', async (_, change) => {
  const { said, look } = bench();
  if (change.sets?.includes('count-passed')) said.sets = counted;
  const before = await look();
  Object.assign(said, change);
  expect(await look()).toBe(before);
});

test('who is turned away does not make it look less closely', async () => {
  const { said, look, asked } = bench();
  const line = 'add dockwall4-turned-away 192.0.2.1,tcp:80 timeout 86400 packets 1 bytes 60\n';
  said.sets = line.repeat(10_000) + sets;
  await look();
  await look();
  expect(asked.filter((program) => program.startsWith('ipset'))).toEqual(['ipset save', 'ipset save']);
});

const changes: readonly [string, Said][] = [
  ['a member less', { sets: sets.replace(/^add.*\n/m, '') }],
  ['a member more', { sets: `${sets}\nadd dockwall4-trusted 192.0.2.1 timeout 0` }],
  ['a set gone', { sets: sets.replaceAll(/^.*dockwall4-trusted.*\n/gm, '') }],
  ['a jump gone', { rules: rules.replace(/^-A PREROUTING .*GATE\n/m, '') }],
  [
    'a rule above our jump',
    { rules: rules.replace('-A PREROUTING -m', '-A PREROUTING -j ACCEPT\n-A PREROUTING -m') },
  ],
  ['a rule above the front', { rules: rules.replace('-A DOCKER -j', '-A DOCKER -j ACCEPT\n-A DOCKER -j') }],
  ['a rule in a chain of ours', { rules: rules.replace('-i lo', '-i eth0') }],
  ['an external set that is looked into comes', { sets: `${sets}\ncreate crowdsec hash:net family inet` }],
  ['a list of others lists another', { sets: `${sets}\nadd lists other` }],
  ['a chain gone', { rules: rules.replace(':DOCKWALL-GATE - [0:0]\n', '') }],
];

test.each(changes)('%s: a change', async (_, change) => {
  const { said, look } = bench();
  const before = await look();
  Object.assign(said, change);
  expect(await look()).not.toBe(before);
});

test.each(
  (['mangle', 'filter'] as const).flatMap((table) =>
    hooked[table].map(({ chain, to }) => ({ table, chain, to })),
  ),
)(
  'a rule above our jump in $table $chain, and the jump gone: both are a change',
  async ({ table, chain, to }) => {
    const jump = `-A ${chain} -j ${to}\n`;
    const { said, look } = bench();
    const seen: string[] = [];
    for (const lines of [jump, `-A ${chain} -j ACCEPT\n${jump}`, '']) {
      said.rules = `*${table}\n${lines}COMMIT\n`;
      seen.push(await look());
    }
    expect(new Set(seen).size).toBe(3);
  },
);

test('members of large sets are counted, until there are few again', async () => {
  const { said, look, asked } = bench();
  said.size = 1_000_000;
  said.counts = 'Name: dockwall4-trusted\nType: hash:net\nReferences: 3\nNumber of entries: 5000\n';
  await look();
  const before = await look();
  expect(await look()).toBe(before);
  said.counts = said.counts.replace('5000', '4999');
  expect(await look()).not.toBe(before);
  said.counts = said.counts.replace('4999', '10');
  await look();
  delete said.size;
  await look();
  const ofSets = asked.filter((program) => program.startsWith('ipset'));
  expect(ofSets).toEqual(['ipset save', ...Array.from({ length: 4 }, () => 'ipset list -t'), 'ipset save']);
});

test('among large sets, too, it is noticed that a set that is looked into comes, or is of another type', async () => {
  const { said, look } = bench();
  said.size = 1_000_000;
  said.counts = 'Name: dockwall4-trusted\nType: hash:net\nReferences: 3\nNumber of entries: 5000\n\n';
  await look();
  const seen = [await look()];
  for (const type of ['hash:net', 'hash:ip']) {
    said.counts = `${said.counts.split('Name: crowdsec')[0]}Name: crowdsec\nType: ${type}\nHeader: family inet hashsize 1024\nNumber of entries: 1\n`;
    seen.push(await look());
  }
  said.counts = said.counts.replace('1024', '2048').replace('entries: 1\n', 'entries: 2\n');
  expect(await look()).toBe(seen.at(-1));
  expect(new Set(seen).size).toBe(3);
});

const reader = new ProgramReader();

test('the reader runs one program after the other from one process, and says how each ended', async () => {
  const lines: string[] = [];
  const read = async (...argv: [string, ...string[]]): Promise<number> =>
    reader.read(argv, (line) => lines.push(line));
  const [first, second] = await Promise.all([read('echo', 'one', 'two'), read('printenv', 'LC_ALL')]);
  expect({ first, second, lines }).toMatchObject({ lines: ['one two', 'C'] });
  await expect(read('false')).rejects.toThrow('running false: exit status 1');
  await expect(read('no-such-program')).rejects.toThrow('exit status 127');
  await expect(read('echo', '$(id)')).rejects.toThrow('not plain words');
  expect(await read('echo', 'again')).toBeGreaterThan(0);
  const last = read('sleep', '60');
  reader.stop();
  await expect(last).rejects.toThrow('it was ended');
  await expect(read('echo')).rejects.toThrow('it was stopped');
});
