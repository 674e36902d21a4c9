import { describe, expect, it } from 'vitest';
import { Killed } from '../contract/fake-kernel.ts';
import { between, chosen, large, Machine, passesMangle, sampling, shutOf } from './crash-machine.ts';

describe('S20: between two states', { timeout: 300_000 }, () => {
  it.each([...chosen.slice(0, 6), ...between.slice(1, 2)])(
    'killed anywhere, and started again: $from.name, then $to.name',
    async ({ from, to }) => {
      const other = await new Machine().prepare();
      await other.start(to);
      const after = other.fake.dump();
      for (const nth of [1, 2, 3, 4, 5, 6]) {
        for (const how of ['kill-before', 'kill-after', 'kill-within'] as const) {
          const machine = await new Machine().prepare();
          await machine.start(from);
          const shut = shutOf([machine.fake.dump(), after], { from, to }, (packet) => passesMangle(machine.fake, packet) || passesMangle(other.fake, packet));
          const open: string[] = [];
          const due = large.includes(to) ? sampling(machine.fake) : () => true;
          machine.onStep = () => {
            if (!due()) return;
            for (const packet of shut)
              if (passesMangle(machine.fake, packet)) open.push(`${how} ${nth}: ${JSON.stringify(packet)}`);
          };
          const fault = { nth, of: 'write' } as const;
          machine.fake.inject(how === 'kill-within' ? { ...fault, how, lines: 7 } : { ...fault, how });
          await machine.pass(to).catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
          await machine.start(to);
          expect(open.slice(0, 5)).toEqual([]);
          expect(machine.fake.dump()).toBe(after);
        }
      }
    },
  );
});
