import { describe, expect, it } from 'vitest';
import { Departures } from '../../../src/daemon/departures.ts';
import type { Snapshot } from '../../../src/decide/inventory/docker-json.ts';
import { FakeClock } from './fake-clock.ts';

const snapshot: Snapshot = {
  containers: ['a', 'b'].map((Id) => ({ Id, State: 'running' })),
  networks: [{ Id: 'n', Name: 'n', Driver: 'bridge', Containers: { a: {}, b: {} } }],
  details: new Map(),
};

const tell = (departures: Departures, action: string, id = 'a') =>
  departures.event({ type: 'container', action, id });

/** Containers with their state, and who is in the network. */
function text({ containers, networks }: Snapshot): string {
  const states = containers.map(({ Id, State }) => `${Id} ${State}`);
  return [...states, `n: ${Object.keys(networks[0]?.Containers ?? {}).join(' ')}`].join(', ');
}

describe('Departures', () => {
  it('corrects lists that still show what events have told to be gone', () => {
    const departures = new Departures(new FakeClock());
    expect(departures.correct(snapshot)).toBe(snapshot);
    tell(departures, 'die');
    expect(text(departures.correct(snapshot))).toBe('a exited, b running, n: b');
    tell(departures, 'destroy');
    expect(text(departures.correct(snapshot))).toBe('b running, n: b');
  });

  it('believes the lists again when the container starts, and after a while', async () => {
    const clock = new FakeClock();
    const departures = new Departures(clock);
    tell(departures, 'die');
    tell(departures, 'start');
    expect(departures.correct(snapshot)).toBe(snapshot);
    tell(departures, 'die', 'b');
    departures.forget();
    expect(departures.correct(snapshot)).toBe(snapshot);
    tell(departures, 'die', 'b');
    await clock.advance(10_001);
    expect(departures.correct(snapshot)).toBe(snapshot);
  });
});
