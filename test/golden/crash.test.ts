import { describe, expect, it } from 'vitest';
import { between, chosen, large, Machine, passesMangle, sampling, shutOf } from './crash-machine.ts';

let tried = 0;

describe('S20: between two states', { timeout: 300_000 }, () => {
  it.each([...chosen, ...between])('$from.name, then $to.name', async ({ from, to }) => {
    const machine = await new Machine().prepare();
    await machine.start(from);
    const before = machine.fake.dump();
    const other = await new Machine().prepare();
    await other.start(to);
    const after = other.fake.dump();

    const shut = shutOf([before, after], { from, to }, (packet) => passesMangle(machine.fake, packet) || passesMangle(other.fake, packet));
    tried += shut.length;
    const open: string[] = [];
    let steps = 0;
    const due = large.includes(to) ? sampling(machine.fake) : () => true;
    machine.onStep = () => {
      steps += 1;
      if (!due()) return;
      for (const packet of shut)
        if (passesMangle(machine.fake, packet)) open.push(`step ${steps}: ${JSON.stringify(packet)}`);
    };
    await machine.pass(to);
    expect(open.slice(0, 5)).toEqual([]);
    expect(machine.fake.dump()).toBe(after);
  });

  it('the packets that are tried are kept out by something', () => {
    expect(tried).toBeGreaterThan(chosen.length * 20);
  });
});
