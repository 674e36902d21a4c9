import { describe, expect, it } from 'vitest';
import { tryFeatures } from '../../src/faces/doctor/features.ts';
import { type Run, runCommand } from '../../src/reach/kernel/command.ts';
import { canTestRealKernel } from './namespace.ts';

const real = canTestRealKernel();

describe.skipIf(!real).each(['nft', 'legacy'] as const)('what doctor tries of the kernel (%s)', (backend) => {
  it('is all here, and all that the rules and sets are made of', async () => {
    const features = await tryFeatures(runCommand, backend);
    expect(features.filter(({ works }) => works !== true)).toEqual([]);
    const names = features.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['hash:ip,port', 'bitmap:port', 'counters', 'forceadd', 'ctorigdstport']),
    );
    expect(names).toEqual(expect.arrayContaining(['tcp-flags', 'physdev match', 'CONNMARK target', 'goto']));
  });

  it.each([
    ['--tcp-flags', 'tcp-flags'],
    ['--ctorigdstport', 'ctorigdstport'],
    ['-m physdev', 'physdev match'],
    [' counters', 'counters'],
    [' forceadd', 'forceadd'],
    ['--del-set', 'SET target'],
    ['hash:net,port', 'hash:net,port'],
  ])('a kernel without %s lacks %s, and says so', async (word, name) => {
    const run: Run = async (command) =>
      command.input?.includes(word) === true
        ? { stdout: '', stderr: 'no', exitCode: 1 }
        : runCommand(command);
    const features = await tryFeatures(run, backend);
    expect(features.filter(({ works }) => works !== true).map((one) => one.name)).toEqual([name]);
  });
});
