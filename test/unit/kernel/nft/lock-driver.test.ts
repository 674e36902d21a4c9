import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Lock } from '../../../../src/decide/wall/model.ts';
import type { Command, Output } from '../../../../src/reach/kernel/command.ts';
import { LockDriver } from '../../../../src/reach/kernel/nft/lock-driver.ts';
import { NftProcess } from '../../../../src/reach/kernel/nft/nft-process.ts';

const lock: Lock = {
  mark: 0x1000,
  connmark: 0x80,
  side: 'inside',
  interfaces: ['docker0', 'lo'],
  bridges: ['docker0'],
  ports: ['0.0.0.0/0,tcp:80'],
};
const standing = 'table inet dockwall-lock {\n\tflags persist\n\tchain asked {\n\t}\n}\n';

describe('a lock that cannot be written', () => {
  const drivers: LockDriver[] = [];
  afterEach(async () => {
    for (const driver of drivers.splice(0)) await driver.release();
  });

  /** With an nft that does `answer` with each line that is about the lock. What stands under its name does until it is deleted. */
  function driverWith(
    answer: string,
    stands = true,
  ): { readonly driver: LockDriver; readonly ran: string[] } {
    const ran: string[] = [];
    const run = async ({ args }: Command): Promise<Output> => {
      ran.push(args.join(' '));
      if (stands && !ran.includes('delete table inet dockwall-lock'))
        return { exitCode: 0, stdout: standing, stderr: '' };
      return { exitCode: 1, stdout: '', stderr: 'Error: No such file or directory' };
    };
    const script = `while read -r line; do case "$line" in
      end-of-*) printf 'Error: syntax error, unexpected newline\\n%s\\n' "$line" >&2;;
      *dockwall-lock*) ${answer};;
    esac; done`;
    const driver = new LockDriver(
      run,
      { timeoutMs: 5000 },
      { kind: 'keeps', onLost: () => {}, nft: ['sh', '-c', script] },
    );
    drivers.push(driver);
    return { driver, ran };
  }

  test('is given up for good where the kernel refuses it, and what stood is taken away', async () => {
    const { driver, ran } = driverWith("echo 'Error: Could not process rule: Operation not supported' >&2");
    await driver.observe();
    await driver.write({ kind: 'write', lock });
    const why = 'Could not process rule: Operation not supported';
    expect(await driver.observe()).toEqual({ kind: 'unsupported', why });
    // what nobody can change any more would go on closing what was published once
    expect(ran).toContain('delete table inet dockwall-lock');
  });

  test('is given up for good where the kernel has nf_tables, and not all of its modules (fib, ct)', async () => {
    const why = 'Could not process rule: No such file or directory';
    const { driver } = driverWith(`echo 'Error: ${why}' >&2`, false);
    await driver.observe();
    await driver.write({ kind: 'write', lock });
    expect(await driver.observe()).toEqual({ kind: 'unsupported', why });
  });

  test.each([
    ['dies of it', 'kill -SEGV $$', 'SIGSEGV'],
    ['refuses in words that nobody knows', "echo 'Error: Could not resolve protocol name' >&2", 'protocol'],
  ])('is tried three times where nft %s, and then given up', async (_, answer, why) => {
    const { driver, ran } = driverWith(answer);
    for (let time = 1; time <= 2; time += 1) {
      await driver.observe();
      await expect(driver.write({ kind: 'write', lock })).rejects.toThrow(why);
      expect((await driver.observe()).kind).toBe('stands');
    }
    await driver.write({ kind: 'write', lock });
    expect(await driver.observe()).toMatchObject({
      kind: 'unsupported',
      why: expect.stringContaining(why) as string,
    });
    expect(ran).toContain('delete table inet dockwall-lock');
  });

  // another version's, with a chain at another priority: nft adds nothing to that
  test('is written anew where what stands cannot be written over', async () => {
    const { driver, ran } = driverWith(
      `case "$line" in "delete table"*) ;; *) echo 'Error: Chain "forwarded" already exists in table inet with different declaration' >&2;; esac`,
    );
    const plain = { kind: 'write', lock } as const;
    await driver.observe();
    await expect(driver.write(plain)).rejects.toThrow('different declaration');
    await driver.observe();
    await driver.write(plain);
    expect(ran).not.toContain('delete table inet dockwall-lock');
  });

  test('what was written after a failure ends the count', async () => {
    const flag = path.join(mkdtempSync(path.join(tmpdir(), 'dockwall-')), 'fails');
    const { driver } = driverWith(`[ -e ${flag} ] && kill -SEGV $$`);
    for (let round = 0; round < 3; round += 1) {
      writeFileSync(flag, '');
      for (let time = 0; time < 2; time += 1)
        await expect(driver.write({ kind: 'write', lock })).rejects.toThrow('SIGSEGV');
      rmSync(flag);
      await driver.write({ kind: 'write', lock });
    }
    rmSync(path.dirname(flag), { recursive: true });
    expect((await driver.observe()).kind).toBe('stands');
  });
});

test('a program that has read thousands of lines is replaced: nft never gives back what it takes for each', async () => {
  const nft = [
    'sh',
    '-c',
    'while read -r line; do case "$line" in end-of-*) printf \'Error: syntax error, x\\n%s\\n\' "$line" >&2;; esac; done',
  ] as const;
  const onLost = vi.fn();
  const run = async (): Promise<Output> => ({ exitCode: 1, stdout: '', stderr: 'No such file or directory' });
  const driver = new LockDriver(run, { timeoutMs: 5000 }, { kind: 'keeps', onLost, nft });
  await driver.write({ kind: 'write', lock });
  const { pid } = driver;
  await driver.write({ kind: 'write', lock });
  expect(driver.pid).toBe(pid);
  const lines = vi.spyOn(NftProcess.prototype, 'lines', 'get').mockReturnValue(10_000);
  await driver.write({ kind: 'write', lock });
  expect(driver.pid).not.toBe(pid);
  expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');
  expect(onLost).not.toHaveBeenCalled();
  lines.mockRestore();
  await driver.release();
});
