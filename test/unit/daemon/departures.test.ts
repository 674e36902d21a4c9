import { describe, expect, it } from 'vitest';
import { Tombstones } from '../../../src/daemon/tombstones.ts';
import type { Snapshot } from '../../../src/decide/inventory/docker-json.ts';
import { FakeClock } from './fake-clock.ts';

const snapshot: Snapshot = {
  containers: ['a', 'b'].map((Id) => ({ Id, State: 'running' })),
  networks: [{ Id: 'n', Name: 'n', Driver: 'bridge', Containers: { a: {}, b: {} } }],
  details: new Map(),
};

const tell = (tombstones: Tombstones, action: string, id = 'a') =>
  tombstones.event({ type: 'container', action, id });

/** Containers with their state, and who is in the network. */
function text({ containers, networks }: Snapshot): string {
  const states = containers.map(({ Id, State }) => `${Id} ${State}`);
  return [...states, `n: ${Object.keys(networks[0]?.Containers ?? {}).join(' ')}`].join(', ');
}

describe('Departures', () => {
  it('corrects lists that still show what events have told to be gone', () => {
    const tombstones = new Tombstones(new FakeClock());
    expect(tombstones.correct(snapshot)).toBe(snapshot);
    tell(tombstones, 'die');
    expect(text(tombstones.correct(snapshot))).toBe('a exited, b running, n: b');
    tell(tombstones, 'destroy');
    expect(text(tombstones.correct(snapshot))).toBe('b running, n: b');
  });

  it('believes the lists again when the container starts, and after a while', async () => {
    const clock = new FakeClock();
    const tombstones = new Tombstones(clock);
    tell(tombstones, 'die');
    tell(tombstones, 'start');
    expect(tombstones.correct(snapshot)).toBe(snapshot);
    tell(tombstones, 'die', 'b');
    tombstones.forget();
    expect(tombstones.correct(snapshot)).toBe(snapshot);
    tell(tombstones, 'die', 'b');
    await clock.advance(10_001);
    expect(tombstones.correct(snapshot)).toBe(snapshot);
  });
});
