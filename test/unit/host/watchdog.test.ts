import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

const root = new URL('../../..', import.meta.url);

/** A program that watches itself with short limits: 5 looks, 40 ms apart. */
const watched = (then: string): readonly string[] => [
  '--input-type=module',
  '--eval',
  `import { startWatchdog } from './src/reach/host/watchdog.ts';
   const end = startWatchdog({ log: { warn: console.log }, each: 40, looks: 5 });
   ${then}`,
];
const blocks = `setTimeout(() => { console.log('blocked'); for (;;); }, 300);`;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly said: string;
}

async function run(
  program: string,
  args: readonly string[],
  meanwhile?: (pid: number) => void,
): Promise<Ended> {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
  const ended = new Promise<Pick<Ended, 'code' | 'signal'>>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  if (meanwhile !== undefined && child.pid !== undefined) meanwhile(child.pid);
  const [out, said, how] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { ...how, out, said };
}

describe('a process whose event loop', () => {
  it('stands still ends itself, and says why', async () => {
    const { signal, out, said } = await run(process.execPath, watched(blocks));
    expect(signal).toBe('SIGKILL');
    expect(out).toBe('blocked\n');
    expect(said).toBe(
      'dockwall: the event loop has stood still for 0.2 s; ending this process, so that it is started again\n',
    );
  });

  it('turns lives on, and ends when it has nothing more to do', async () => {
    const { code, out, said } = await run(
      process.execPath,
      watched(`setTimeout(async () => { console.log('alive'); await end(); }, 900);`),
    );
    expect([code, out, said]).toEqual([0, 'alive\n', '']);
    const left = await run(process.execPath, watched(`console.log('done');`));
    expect([left.code, left.out, left.said]).toEqual([0, 'done\n', '']);
  });

  it('was stopped for longer than that lives on', async () => {
    const program = `
      console.log('up');
      setTimeout(async () => { console.log('alive'); await end(); }, 1200);`;
    const { code, out } = await run(process.execPath, watched(program), (pid) => {
      setTimeout(() => process.kill(pid, 'SIGSTOP'), 400);
      setTimeout(() => process.kill(pid, 'SIGCONT'), 1400);
    });
    expect([code, out]).toEqual([0, 'up\nalive\n']);
  });

  const namespaces = spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;
  it.skipIf(!namespaces)(
    'stands still ends also as process 1 of a container, which the kernel spares SIGKILL',
    async () => {
      const { code, said } = await run('unshare', [
        '--pid',
        '--fork',
        '--kill-child',
        process.execPath,
        ...watched(blocks),
      ]);
      expect(code).not.toBe(0);
      expect(said).toContain('the event loop has stood still');
    },
  );

  it('stands still for a log that nobody reads ends all the same', async () => {
    const full = `
      import { writeSync } from 'node:fs';
      for (;;) try { writeSync(2, 'x'.repeat(65536)); } catch {}`;
    const args = watched('').map((part) => (part.includes('startWatchdog') ? part + full : part));
    const quoted = [process.execPath, ...args].map((part) => `'${part.replaceAll("'", `'\\''`)}'`).join(' ');
    // the reader goes on for as long as the writer is there, and reads nothing
    const script = `rm -f "$0"; mkfifo "$0"; exec 3<>"$0"; ${quoted} 2>&3; echo "ended $?"; rm -f "$0"`;
    const { out } = await run('sh', ['-c', script, `/tmp/dockwall-watchdog-${process.pid}`]);
    expect(out).toBe('ended 137\n');
  });
});
