import { describe, expect, it } from 'vitest';
import { type LiveSource, sourceKey, type SourceKey } from '../../../src/decide/policy/config.ts';
import type { LastGood, Reading } from '../../../src/reach/sources/model.ts';
import { Sources } from '../../../src/reach/sources/sources.ts';
import { FakeClock, settle } from '../daemon/fake-clock.ts';
import { cidr } from '../policy/inventories.ts';

const home: LiveSource = { kind: 'name', name: 'home.example.org' };
const list: LiveSource = {
  kind: 'url',
  url: 'https://example.org/list',
  format: { kind: 'lines' },
  refresh: 3_600_000,
  mayShrink: false,
};
const file: LiveSource = { kind: 'file', path: 'list', format: { kind: 'lines' }, mayShrink: false };

const answer = (...networks: readonly string[]): Reading => ({
  kind: 'answer',
  networks: networks.map(cidr),
});
const name = (holds: number, ...networks: readonly string[]): Reading => ({
  kind: 'answer',
  networks: networks.map(cidr),
  holds,
});
const failed = (reason = 'no name server answers'): Reading => ({ kind: 'failed', reason });

/** Sources whose answers are in the test's hands, on a clock that moves when told to. */
class Bench {
  readonly clock = new FakeClock();
  readonly log: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  readonly changes: string[] = [];
  readonly looks: { at: number; last: LastGood | undefined }[] = [];
  readonly kept = new Map<SourceKey, LastGood>();
  reading: Reading | Promise<Reading> = failed();
  memoryError: Error | undefined;
  writes = 0;
  changed: (() => void) | undefined;
  sources = this.open();

  open(restored: ReadonlyMap<SourceKey, LastGood> = new Map()): Sources {
    const tell = (level: string) => (fields: object, message: string) =>
      void this.log.push({ level, message, fields: { ...fields } });
    return new Sources({
      read: async (_, last) => {
        this.looks.push({ at: this.clock.now(), last });
        return this.reading;
      },
      memory: {
        read: async (key) => this.kept.get(key),
        write: async (key, last) => {
          this.writes += 1;
          if (this.memoryError) throw this.memoryError;
          this.kept.set(key, last);
        },
        prune: async () => {},
      },
      folder: '/var/lib/dockwall',
      restored,
      clock: this.clock,
      wallNow: () => 1_000_000 + this.clock.now(),
      log: { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') },
      watch: (source, changed) => {
        if (source.kind === 'file') this.changed = changed;
        return () => (this.changed = undefined);
      },
      onChange: (_, networks) => this.changes.push(networks.join(' ')),
    });
  }

  get meaning(): readonly string[] | undefined {
    return this.sources.answers().get(sourceKey(home));
  }

  get times(): readonly number[] {
    return this.looks.map(({ at }) => at);
  }

  messages(level: string): readonly string[] {
    return this.log.filter((line) => line.level === level).map(({ message }) => message);
  }
}

describe('a name', () => {
  it('is looked up at once, again when its answer has run out, and a change is told', async () => {
    const bench = new Bench();
    bench.reading = name(60_000, '203.0.113.1');
    bench.sources.want([home]);
    await settle();
    expect(bench.meaning).toEqual(['203.0.113.1']);
    await bench.clock.advance(59_999);
    expect(bench.times).toEqual([0]);
    bench.reading = name(5000, '203.0.113.1');
    await bench.clock.advance(1);
    bench.reading = name(5000, '203.0.113.2');
    await bench.clock.advance(5000);
    expect(bench.times).toEqual([0, 60_000, 65_000]);
    expect(bench.changes).toEqual(['203.0.113.1', '203.0.113.2']);
    expect(bench.log.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      [
        'info',
        'a source is known: home.example.org',
        { source: home.name, networks: 1, added: ['203.0.113.1'], removed: [] },
      ],
      [
        'info',
        'a source has changed: home.example.org',
        { source: home.name, networks: 1, added: ['203.0.113.2'], removed: ['203.0.113.1'] },
      ],
    ]);
  });

  it('that is asked for by each pass is not looked up by each pass', async () => {
    const bench = new Bench();
    bench.reading = name(60_000, '203.0.113.1');
    for (let pass = 0; pass < 5; pass += 1) {
      bench.sources.want([home]);
      await settle();
    }
    expect(bench.times).toEqual([0]);
  });

  it('that does not resolve: nobody; retried with growing waits, one warning; then let in', async () => {
    const bench = new Bench();
    bench.sources.want([home]);
    await settle();
    await bench.clock.advance(100_000);
    expect(bench.times).toEqual([0, 1000, 3000, 8000, 18_000, 48_000, 78_000]);
    expect(bench.meaning).toBeUndefined();
    expect(bench.messages('warn')).toEqual([
      'a source fails: home.example.org: no name server answers; it stands for nobody until it answers',
    ]);
    expect(bench.sources.report()).toMatchObject([
      { failures: 7, lastError: 'no name server answers', age: undefined, nextRefresh: 8000, networks: 0 },
    ]);
    bench.reading = name(60_000, '203.0.113.1', '2001:db8::1');
    await bench.clock.advance(8000);
    expect(bench.meaning).toEqual(['203.0.113.1', '2001:db8::1']);
    expect(bench.messages('info')).toEqual([
      'a source is known: home.example.org',
      'a source answers again: home.example.org',
    ]);
    expect(bench.sources.report()).toMatchObject([
      {
        failures: 0,
        lastError: undefined,
        age: 0,
        nextRefresh: 60_000,
        networks: 2,
        byFamily: { 4: 1, 6: 1 },
      },
    ]);
  });

  it('whose server dies keeps what it meant, without end', async () => {
    const bench = new Bench();
    bench.reading = name(5000, '203.0.113.1');
    bench.sources.want([home]);
    await settle();
    bench.reading = failed();
    await bench.clock.advance(90 * 24 * 3_600_000);
    expect(bench.meaning).toEqual(['203.0.113.1']);
    expect(bench.messages('warn')).toEqual([
      'a source fails: home.example.org: no name server answers; what it last meant stays in force',
    ]);
    expect(bench.sources.report()[0]?.age).toBeGreaterThan(89 * 24 * 3_600_000);
    expect(bench.changes).toEqual(['203.0.113.1']);
  });

  it('of which one family fails is retried sooner, and warned of once', async () => {
    const bench = new Bench();
    bench.reading = { ...name(3_600_000, '203.0.113.1'), trouble: 'IPv6: no name server answers' } as Reading;
    bench.sources.want([home]);
    await settle();
    await bench.clock.advance(3000);
    expect(bench.times).toEqual([0, 1000, 3000]);
    expect(bench.messages('warn')).toHaveLength(1);
    expect(bench.meaning).toEqual(['203.0.113.1']);
  });

  it('that nothing names any more is left alone, and known for ten minutes', async () => {
    const bench = new Bench();
    bench.reading = name(5000, '203.0.113.1');
    bench.sources.want([home]);
    await settle();
    bench.sources.want([]);
    await bench.clock.advance(599_000);
    expect(bench.times).toEqual([0]);
    expect(bench.sources.report()).toEqual([]);
    expect(bench.meaning).toEqual(['203.0.113.1']);
    bench.reading = failed();
    bench.sources.want([home]);
    await settle();
    expect(bench.times).toEqual([0, 599_000]);
    bench.sources.want([]);
    await bench.clock.advance(600_000);
    expect(bench.meaning).toBeUndefined();
    // and then it is the state folder that knows
    bench.sources.want([home]);
    await settle();
    expect(bench.meaning).toEqual(['203.0.113.1']);
  });

  it('a look that is under way when it is stopped changes nothing', async () => {
    const bench = new Bench();
    const { promise, resolve } = Promise.withResolvers<Reading>();
    bench.reading = promise;
    bench.sources.want([home]);
    await settle();
    const stopped = bench.sources.stop();
    resolve(name(5000, '203.0.113.1'));
    await stopped;
    await bench.clock.advance(100_000);
    expect(bench.meaning).toBeUndefined();
    expect(bench.looks).toHaveLength(1);
  });
});

describe('a list', () => {
  it('by URL: loaded as often as is configured, retried sooner but not more often', async () => {
    const bench = new Bench();
    bench.reading = answer('203.0.113.0/24');
    bench.sources.want([list]);
    await settle();
    await bench.clock.advance(3_600_000);
    expect(bench.times).toEqual([0, 3_600_000]);
    bench.reading = failed('it is empty');
    await bench.clock.advance(3_600_000 + 41_000);
    expect(bench.times.slice(2)).toEqual([7_200_000, 7_210_000, 7_240_000]);
    await bench.clock.advance(100 * 3_600_000);
    const [before = 0, after = 0] = bench.times.slice(-2);
    expect(after - before).toBe(3_600_000);
  });

  it('sends back what the server said of the accepted version, and 304 makes it young again', async () => {
    const bench = new Bench();
    const validators = { etag: '"1"' };
    bench.reading = { kind: 'answer', networks: [cidr('203.0.113.0/24')], validators };
    bench.sources.want([list]);
    await settle();
    bench.reading = { kind: 'unchanged' };
    await bench.clock.advance(3_600_000);
    expect(bench.looks[1]?.last?.validators).toEqual(validators);
    expect(bench.sources.report()[0]).toMatchObject({ age: 0, failures: 0, networks: 1 });
    expect(bench.changes).toHaveLength(1);
  });

  it('with other options is loaded again', async () => {
    const bench = new Bench();
    bench.sources.want([list]);
    await settle();
    bench.reading = answer('203.0.113.0/24');
    bench.sources.want([{ ...list, mayShrink: true }]);
    await settle();
    expect(bench.times).toEqual([0, 0]);
    expect(bench.sources.answers().size).toBe(1);
  });

  it('by file: read when it changes, and once more where it changed while it was read', async () => {
    const bench = new Bench();
    const { promise, resolve } = Promise.withResolvers<Reading>();
    bench.reading = promise;
    bench.sources.want([file]);
    await settle();
    bench.changed?.();
    bench.changed?.();
    bench.reading = answer('203.0.113.2');
    resolve(answer('203.0.113.1'));
    await settle();
    expect(bench.changes).toEqual(['203.0.113.1', '203.0.113.2']);
    await bench.clock.advance(24 * 3_600_000);
    expect(bench.looks).toHaveLength(2);
    expect(bench.sources.report()[0]?.nextRefresh).toBeUndefined();
  });

  it('every source is looked at when it is asked for', async () => {
    const bench = new Bench();
    bench.reading = answer('203.0.113.1');
    bench.sources.want([list, file]);
    await settle();
    bench.sources.refresh();
    await settle();
    expect(bench.looks).toHaveLength(4);
  });
});

describe('memory', () => {
  it('what an earlier process knew counts before anything answers, and until something else does', async () => {
    const bench = new Bench();
    bench.reading = name(5000, '203.0.113.1');
    bench.sources.want([home]);
    await settle();
    await bench.sources.stop();
    bench.reading = failed();
    bench.sources = bench.open(new Map(bench.kept));
    expect(bench.meaning).toEqual(['203.0.113.1']);
    bench.sources.want([home]);
    await settle();
    await bench.clock.advance(60_000);
    expect(bench.meaning).toEqual(['203.0.113.1']);
    bench.reading = name(5000, '203.0.113.2');
    await bench.clock.advance(30_000);
    expect(bench.meaning).toEqual(['203.0.113.2']);
    expect(bench.changes).toEqual(['203.0.113.1', '203.0.113.2']);
  });

  it('is written when an answer changes, and each hour for its age', async () => {
    const bench = new Bench();
    bench.reading = name(5000, '203.0.113.1');
    bench.sources.want([home]);
    await settle();
    await bench.clock.advance(3_599_000);
    expect(bench.writes).toBe(1);
    await bench.clock.advance(1000);
    expect(bench.writes).toBe(2);
    bench.reading = name(5000, '203.0.113.2');
    await bench.clock.advance(5000);
    expect(bench.writes).toBe(3);
  });

  it('that cannot be written is one warning', async () => {
    const bench = new Bench();
    bench.memoryError = new Error('EROFS: read-only file system');
    bench.reading = name(5000, '203.0.113.1');
    bench.sources.want([home]);
    await settle();
    await bench.clock.advance(60_000);
    expect(bench.meaning).toEqual(['203.0.113.1']);
    expect(bench.messages('warn')).toEqual([
      'answers cannot be kept in /var/lib/dockwall: after a restart, names and lists stand for nobody until they answer; mount a volume there',
    ]);
  });
});
