import { describe, expect, it } from 'vitest';
import { Reporter } from '../../../src/daemon/reporter.ts';
import { lockStands } from '../../../src/decide/diff/lock.ts';
import type { Observed, ObservedLock } from '../../../src/decide/diff/model.ts';
import { wayWords } from '../../../src/decide/explain/words.ts';
import { readLock } from '../../../src/decide/report/status-walls.ts';
import type { Lock } from '../../../src/decide/wall/model.ts';
import { examine } from '../../../src/faces/doctor/examine.ts';
import { stageHost } from '../doctor/staged-host.ts';
import { ask, hostOf } from '../explain/moments.ts';
import { groupsOf, makeContainer, ports } from '../policy/inventories.ts';

// What people and programs are told of the lock.

const unsupported: ObservedLock = { kind: 'unsupported', why: 'Operation not supported' };

describe('doctor', () => {
  async function lockLine(lock: ObservedLock): Promise<string> {
    const view = await stageHost();
    const { decided } = view;
    if (decided === undefined) throw new Error('nothing was decided');
    const seen = { ...view, decided: { ...decided, observed: { ...decided.observed, lock } } };
    const line = examine(seen).find(({ topic }) => topic === 'lock');
    return `${line?.kind} ${line?.text} ${line?.advice ?? ''}`;
  }
  const stands = { kind: 'stands', lock: undefined } as const;

  it.each([
    ['persist', { ...stands, strength: 'persist' }, /^ok stands, .* also while it does not run/],
    ['owner', { ...stands, strength: 'owner' }, /^ok stands, .* while it runs .* older than 6\.9/],
    ['plain', { ...stands, strength: 'plain' }, /^note stands, and belongs to nobody/],
    [
      'none',
      { kind: 'none' },
      /^note is not up: where something takes the gate away, .* are open .* start the dockwall/,
    ],
    ['unsupported', unsupported, /^note cannot be put up here: Operation not supported: where/],
    [
      'held',
      { ...stands, strength: 'persist', lost: true, held: true },
      /^problem belongs to another process.* stop the other one/,
    ],
  ] as const)('says which of the strengths there is: %s', async (_, lock, text) => {
    expect(await lockLine(lock)).toMatch(text);
  });
});

describe('explain', () => {
  const scene = {
    containers: [makeContainer('web', { ports: ports('8080:80'), labels: { 'dockwall.allow': 'office' } })],
    config: { groups: groupsOf({ office: ['198.51.100.0/24'] }) },
  };
  const flush = { program: 'iptables-nft-restore', input: '*mangle\n-F PREROUTING\nCOMMIT\n' };

  it('has it on the way of what is let in, and knows that it closes where the gate is away', async () => {
    const standing = await (await hostOf(scene)).look();
    const wanted = standing.kernel?.ruleset.lock;
    if (wanted === undefined || wanted === 'keep' || wanted === 'remove')
      throw new Error('no lock was rendered');
    const withLock = (moment: typeof standing, lock: Lock): typeof standing =>
      moment.kernel === undefined
        ? moment
        : {
            ...moment,
            kernel: {
              ...moment.kernel,
              observed: { ...moment.kernel.observed, lock: { kind: 'stands', lock, strength: 'persist' } },
            },
          };
    const [path] = ask(withLock(standing, wanted), '198.51.100.7', '8080').paths;
    expect(path?.kernel.kind).toBe('agrees');
    expect(wayWords(path?.way ?? [])).toMatch(/^gate, lock, /);

    const flushed = await (await hostOf({ ...scene, after: [flush] })).look();
    const [without] = ask(flushed, '198.51.100.7', '8080').paths;
    expect(without?.kernel).toMatchObject({ kind: 'differs', does: 'not managed' });
    const [behind] = ask(withLock(flushed, wanted), '198.51.100.7', '8080').paths;
    expect(behind?.kernel).toMatchObject({ kind: 'differs', does: 'denied' });
    const [own] = ask(withLock(flushed, wanted), '198.51.100.7', '22').paths;
    expect(own?.kernel).not.toMatchObject({ does: 'denied' });

    const [odd] = ask(withLock(standing, { ...wanted, ports: [] }), '198.51.100.7', '8080').paths;
    expect(odd?.kernel).toMatchObject({ missing: ['the lock behind the gate is not as it should be'] });
  });
});

describe('the daemon', () => {
  const observed = (lock: ObservedLock): Observed => ({
    backends: ['nft'],
    families: [4, 6],
    tables: [],
    sets: [],
    foreign: [],
    lock,
  });
  const stands: ObservedLock = { kind: 'stands', lock: undefined, strength: 'persist' };

  it('is well while another process holds it, which an orchestrator may end once this one is, and says once what is so', () => {
    const said: string[] = [];
    const at = (level: string) => (_: object, message: string) => void said.push(`${level} ${message}`);
    const log = { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') };
    const reporter = new Reporter(log, { version: '0.1.0', nextRun: () => undefined });
    const problems = (): readonly string[] =>
      reporter.health([]).problems.filter((one) => one.startsWith('the lock'));
    for (let time = 0; time < 3; time += 1) reporter.saw(observed(unsupported));
    expect(problems()).toEqual([]);
    for (let time = 0; time < 3; time += 1) reporter.saw(observed({ ...stands, lost: true, held: true }));
    expect(problems()).toEqual([]);
    reporter.saw(observed(stands));
    expect(problems()).toEqual([]);
    expect(said).toEqual([
      'info the lock cannot be put up here: Operation not supported',
      expect.stringMatching(/^warn the lock belongs to another process/),
    ]);
  });

  it('has a status for each', () => {
    const lock: Lock = {
      mark: 1,
      connmark: 0x80,
      side: 'inside',
      interfaces: ['lo'],
      bridges: [],
      ports: [],
    };
    const ruleset = { sets: [], gate: [], front: 'keep', boot: 'keep', lock } as const;
    const status = (seen: ObservedLock | undefined): unknown =>
      readLock(
        ruleset,
        seen === undefined ? { ...observed(stands), lock: undefined as never } : observed(seen),
      );
    expect(status({ ...stands, lock })).toEqual({ inPlace: true, strength: 'persist', problem: null });
    expect(status(stands)).toEqual({ inPlace: false, strength: 'persist', problem: null });
    expect(status({ kind: 'none' })).toEqual({ inPlace: false, strength: null, problem: null });
    expect(status(unsupported)).toMatchObject({
      inPlace: false,
      problem: expect.stringContaining('not supported'),
    });
    expect(lockStands('remove', observed(stands))).toBe(false);
  });
});
