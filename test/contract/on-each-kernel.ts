import { afterEach, beforeEach, describe, expect } from 'vitest';
import type { Backend, ObservedTable } from '../../src/decide/diff/model.ts';
import { type Family, families } from '../../src/decide/net/network.ts';
import { programOf, type Side } from '../../src/reach/kernel/backend.ts';
import type { Kernel } from '../../src/reach/kernel/kernel.ts';
import { canTestRealKernel, reapNamespaces } from './namespace.ts';
import { createSets, bootstrapGate, sampleSets } from './samples.ts';
import { fakeWorld, realWorld, type World } from './world.ts';

/** One kernel under test, written to and looked at past dockwall. */
class Subject {
  readonly world: World;
  readonly kernel: Kernel;
  readonly backend: Backend;

  constructor(world: World, backend: Backend) {
    this.world = world;
    this.kernel = world.kernel;
    this.backend = backend;
  }

  side(family: Family): Side {
    return { family, backend: this.backend };
  }

  /** Somebody else's `iptables-restore --noflush`. */
  async restore(family: Family, input: string): Promise<void> {
    const program = programOf(this.side(family), 'restore');
    const args = ['--noflush', '-w', '5'];
    const output = await this.world.run({ program, args, input, timeoutMs: 10_000 });
    expect(output.stderr).toBe('');
  }

  /** Somebody else's `ipset restore`. */
  async restoreSets(input: string): Promise<void> {
    const args = ['restore', '-exist'];
    const output = await this.world.run({ program: 'ipset', args, input, timeoutMs: 10_000 });
    expect(output.stderr).toBe('');
  }

  /** The tables as `iptables-save` prints them, without counters, by name. */
  async save(family: Family): Promise<ReadonlyMap<string, string>> {
    const program = programOf(this.side(family), 'save');
    const { stdout } = await this.world.run({ program, args: [], timeoutMs: 10_000 });
    const text = stdout.replaceAll(/^#.*\n/gm, '').replaceAll(/ \[\d+:\d+\]$/gm, '');
    return new Map(
      [...text.matchAll(/^\*(\w+)\n(.*?)^COMMIT$/gms)].map(([, name = '', body = '']) => [name, body]),
    );
  }

  /** The sets as `ipset save` prints them, sorted. */
  async saveSets(): Promise<readonly string[]> {
    const { stdout } = await this.world.run({ program: 'ipset', args: ['save'], timeoutMs: 10_000 });
    return stdout
      .split('\n')
      .map((line) => line.replace(/ initval \S+/, ''))
      .toSorted();
  }

  async table(family: Family, name = 'mangle'): Promise<ObservedTable | undefined> {
    const { tables } = await this.kernel.observe();
    return tables.find(
      (table) => table.family === family && table.backend === this.backend && table.table === name,
    );
  }

  /** The ids of a chain's rules, as dockwall sees them. */
  async ids(family: Family, chain: string, table = 'mangle'): Promise<readonly (string | undefined)[]> {
    return ((await this.table(family, table))?.chains.get(chain) ?? []).map(({ id }) => id);
  }

  /** Puts the sample sets and the sample gate of both families up. */
  async raise(): Promise<void> {
    await this.kernel.apply({
      sets: families.flatMap((family) => createSets(sampleSets(family))),
      tables: families.map((family) => bootstrapGate(this.side(family))),
      destroy: [],
    });
  }
}

const real = canTestRealKernel();
if (real) reapNamespaces();

/** What a suite is told about the kernel it runs on; `subject` is a fresh one in each test. */
export interface Place {
  readonly kind: 'fake' | 'real';
  readonly backend: Backend;
  readonly subject: () => Subject;
}

/** Runs one suite on the fake and on the real kernel, with nft and with legacy. */
export function onEachKernel(suite: (place: Place) => void): void {
  describe.each([
    { kind: 'fake', make: fakeWorld, skip: false } as const,
    { kind: 'real', make: realWorld, skip: !real } as const,
  ])('$kind kernel', ({ kind, make, skip }) => {
    describe.skipIf(skip).each(['nft', 'legacy'] as const)('%s', (backend) => {
      let subject: Subject | undefined;
      beforeEach(() => {
        subject = new Subject(make(), backend);
      });
      afterEach(() => subject?.world.close());
      suite({
        kind,
        backend,
        subject: () => {
          if (subject === undefined) throw new Error('no test is running');
          return subject;
        },
      });
    });
  });
}
