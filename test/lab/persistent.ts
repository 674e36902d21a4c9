import { mkdirSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { type Mount, cellArgv, cellEnv } from './cell.ts';
import { engineRunDir } from './engine-cell.ts';
import type { Lab } from './lab.ts';
import { rootFs } from './root-fs.ts';
import { type RunResult, run } from './run.ts';

/**
 * The Docker host as one that saves its rules, with Debian's own packages: netfilter-persistent with its plugin for iptables, and for ipset
 * where that is asked for, and nft. What is saved stays on the lab's disk.
 */
export class Persistent {
  readonly #lab: Lab;
  readonly #folder: string;

  constructor(lab: Lab) {
    this.#lab = lab;
    this.#folder = path.join(lab.disk, 'saved');
    mkdirSync(this.#folder, { recursive: true });
  }

  /** The folder with the saved files, where the host has it. */
  get mount(): Mount {
    return { from: this.#folder, to: '/etc/iptables' };
  }

  /** `netfilter-persistent save` or `start`, as its systemd unit calls it, or `flush`. It succeeds also where a file does not load: see what it prints. */
  async call(verb: 'save' | 'start' | 'flush', { ipset }: { readonly ipset: boolean }): Promise<string> {
    const without = ipset ? '' : 'rm /usr/share/netfilter-persistent/plugins.d/*-ipset\n';
    const { stdout, stderr } = await this.shell(`${without}netfilter-persistent ${verb}`);
    return `${stdout}\n${stderr}`;
  }

  /** A script on the host, with `iptables` writing to the rule set that Docker uses. */
  async shell(script: string): Promise<RunResult> {
    const { id, disk, engine, host } = this.#lab;
    const set = `update-alternatives --quiet --set $p /usr/sbin/$p-${engine.options.backend}`;
    const lines = ['set -e', `for p in iptables ip6tables; do ${set}; done`, script];
    const spec = {
      netns: host.netns,
      root: await rootFs('persistent'),
      scratch: mkdtempSync(path.join(disk, 'persistent-')),
      mounts: [this.mount, { from: engineRunDir(id), to: '/run' }],
    };
    const argv = cellArgv(spec, ['sh', '-c', lines.join('\n')]);
    return run(argv, { env: cellEnv(), cleanEnv: true, allowFailure: true });
  }
}
