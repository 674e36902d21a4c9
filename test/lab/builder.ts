import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { startEngineCell } from './engine-cell.ts';
import { engineOptions } from './engine-options.ts';
import { Engine } from './engine.ts';
import { withLock } from './lock.ts';
import { cacheDir, imagesDir } from './paths.ts';
import { reap, removeLab } from './reaper.ts';
import { newState, writeState } from './state.ts';

const id = 'builder';

// It shares this machine's own network namespace, since a build has to reach the package registries: so it must
// touch nothing there, neither rules nor interfaces nor the forwarding switch.
const flags = [
  '--bridge=none',
  '--iptables=false',
  '--ip6tables=false',
  '--ip-forward=false',
  '--ip-masq=false',
];

/**
 * Runs some work with an engine that builds images, and ends the engine after it. Its images stay in the cache, so
 * that a second build takes what has not changed from the first. One at a time on a machine. It sees the context as
 * /lab/context and the folder for finished images as /lab/images.
 */
export async function withBuilder<T>(context: string, work: (engine: Engine) => Promise<T>): Promise<T> {
  return withLock(path.join(cacheDir(), 'builder.lock'), async () => {
    reap();
    const disk = path.join(cacheDir(), 'labs', id);
    mkdirSync(disk, { recursive: true });
    let state = newState({ id, disk, namespaces: [] });
    writeState(state);
    try {
      const options = engineOptions({ flags });
      const files = {
        '/etc/resolv.conf': readFileSync('/etc/resolv.conf', 'utf8'),
        '/etc/hosts': readFileSync('/etc/hosts', 'utf8'),
      };
      const mounts = [
        { from: context, to: '/lab/context', readOnly: true },
        { from: imagesDir(), to: '/lab/images' },
      ];
      const site = { files, mounts };
      const cell = await startEngineCell({
        labId: id,
        disk,
        options,
        data: path.join(cacheDir(), 'builder'),
        site,
      });
      state = { ...state, cells: [cell] };
      writeState(state);
      const engine = new Engine({ labId: id, disk, options, remember: () => undefined }, cell);
      await engine.start();
      return await work(engine);
    } finally {
      removeLab(state);
    }
  });
}
