import { describe, expect, test } from 'vitest';
import { type Command, KernelError, type KernelErrorCode } from '../../../src/reach/kernel/command.ts';
import { classify, execute } from '../../../src/reach/kernel/failure.ts';

// What the tools really print; programs and versions as they name themselves.
const said: readonly (readonly [KernelErrorCode, string, string])[] = [
  [
    'no-permission',
    'nft without NET_ADMIN',
    'iptables-nft-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n',
  ],
  [
    'no-permission',
    'newer nft without NET_ADMIN',
    'ip6tables-nft-restore v1.8.13 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n',
  ],
  [
    'no-permission',
    'ipset save without NET_ADMIN',
    'ipset v7.17: Kernel error received: Operation not permitted\n',
  ],
  [
    'no-permission',
    'ipset restore without NET_ADMIN',
    'ipset v7.24: Error in line 1: Kernel error received: Operation not permitted\n',
  ],
  [
    'no-permission',
    'a set match without NET_RAW',
    "iptables-nft-restore v1.8.9 (nf_tables): Can't open socket to ipset.\n\n",
  ],
  [
    'lock-timeout',
    'another program has the lock',
    "Can't lock /run/xtables.lock: Resource temporarily unavailable\nAnother app is currently holding the xtables lock. Stopped waiting after 1s.\n",
  ],
  [
    'no-kernel-support',
    'a set type that is not built',
    'ipset v7.17: Error in line 2: Kernel error received: set type not supported\n',
  ],
  [
    'no-kernel-support',
    'no ipset in the kernel',
    'ipset v7.1: Error in line 1: Cannot open session to kernel.\n',
  ],
  [
    'no-kernel-support',
    'no ipset in the kernel, other words',
    'ipset v6.23: Kernel error received: Invalid argument\n',
  ],
  ['no-kernel-support', 'no xt_set', 'iptables v1.6.0: Kernel module xt_set is not loaded in.\n\n'],
  [
    'no-kernel-support',
    'no nf_tables',
    'iptables-nft-save v1.8.7 (nf_tables): Could not fetch rule set generation id: Invalid argument\n',
  ],
  [
    'no-kernel-support',
    'no nf_tables, old kernel',
    'iptables-restore/1.8.2 Failed to initialize nft: Protocol not supported\n',
  ],
  [
    'no-kernel-support',
    'legacy: no module, or no capability',
    "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'mangle'\nError occurred at line: 1\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n",
  ],
  [
    'no-kernel-support',
    'no IPv6',
    "ip6tables v1.6.0: can't initialize ip6tables table `filter': Address family not supported by protocol\nPerhaps ip6tables or your kernel needs to be upgraded.\n",
  ],
  [
    'rejected',
    'a set in use',
    'ipset v7.17: Error in line 1: Set cannot be destroyed: it is in use by a kernel component\n',
  ],
  [
    'rejected',
    'a set that is not there',
    "iptables-nft-restore v1.8.9 (nf_tables): Set nope doesn't exist.\n\nError occurred at line: 3\nTry `iptables-nft-restore -h' or 'iptables-nft-restore --help' for more information.\n",
  ],
  ['rejected', 'legacy, without a reason', 'iptables-restore: line 2 failed\n'],
  ['rejected', 'silence', ''],
];

test.each(said)('%s: %s', (code, _, stderr) => {
  expect(classify(stderr)).toBe(code);
});

describe('the message', () => {
  const input = '*mangle\n-A NOPE -j DROP\nCOMMIT\n';
  const command: Command = { program: 'iptables-nft-restore', args: ['--noflush'], input, timeoutMs: 1 };

  async function messageFor(stderr: string): Promise<string> {
    const run = async (): Promise<{ stdout: string; stderr: string; exitCode: number }> => ({
      stdout: '',
      stderr,
      exitCode: 1,
    });
    const error: unknown = await execute(run, command, 'restoring mangle').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(KernelError);
    expect(error).toMatchObject({
      command: 'iptables-nft-restore',
      args: ['--noflush'],
      exitCode: 1,
      stderr,
      input,
    });
    return (error as KernelError).message;
  }

  test.each([
    [
      'quotes the line that nft names',
      'iptables-nft-restore: line 2 failed: No chain/target/match by that name.\n',
      'restoring mangle: line 2 (-A NOPE -j DROP): No chain/target/match by that name.',
    ],
    [
      'quotes the line that legacy names',
      'iptables-restore: line 2 failed\n',
      'restoring mangle: line 2 (-A NOPE -j DROP): refused without a reason',
    ],
    [
      'drops the furniture',
      "iptables-nft-restore v1.8.9 (nf_tables): Set nope doesn't exist.\n\nError occurred at line: 2\nTry `iptables-nft-restore -h' or 'iptables-nft-restore --help' for more information.\n",
      "restoring mangle: line 2 (-A NOPE -j DROP): Set nope doesn't exist.",
    ],
    [
      'reads errors of the whole batch',
      'iptables-nft-restore v1.8.9 (nf_tables): \nline 2: CHAIN_DEL failed (Device or resource busy): chain DV\n',
      'restoring mangle: line 2 (-A NOPE -j DROP): CHAIN_DEL failed (Device or resource busy): chain DV',
    ],
    [
      'does not quote COMMIT',
      "iptables-nft-restore v1.8.9 (nf_tables): Chain 'NOPE' does not exist\nError occurred at line: 3\n",
      "restoring mangle: line 3: Chain 'NOPE' does not exist",
    ],
    [
      'reads ipset',
      'ipset v7.17: Error in line 2: The set with the given name does not exist\n',
      'restoring mangle: line 2 (-A NOPE -j DROP): The set with the given name does not exist',
    ],
    ['says that nothing was said', '', 'restoring mangle: it failed without a word'],
  ])('%s', async (_, stderr, message) => {
    expect(await messageFor(stderr)).toBe(message);
  });

  test('an error of running says what was being done, and keeps its kind', async () => {
    const inner = new KernelError('running x: no such program', { code: 'missing-program', command });
    const run = async (): Promise<never> => {
      throw inner;
    };
    await expect(execute(run, command, 'saving the sets')).rejects.toMatchObject({
      message: 'saving the sets: running x: no such program',
      code: 'missing-program',
      cause: inner,
    });
  });

  test('an abort is passed on as it is', async () => {
    const reason = new Error('stopping');
    await expect(execute(() => Promise.reject(reason), command, 'saving the sets')).rejects.toBe(reason);
  });
});
