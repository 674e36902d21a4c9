import { closeSync, existsSync, openSync } from 'node:fs';
import path from 'node:path';
import { routerAddress } from './addresses.ts';
import { cellArgv, cellEnv, inCellArgv, spawnDetached } from './cell.ts';
import { engineRunDir } from './engine-cell.ts';
import type { Lab } from './lab.ts';
import { until } from './poll.ts';
import type { ProcessRef } from './processes.ts';
import { rootFs } from './root-fs.ts';
import { run } from './run.ts';

/**
 * The Docker host as one on which other firewalls are installed too, with Debian's own packages: ufw, firewalld, fail2ban, CrowdSec, libvirt,
 * LXC. Nothing of them runs until a script starts it; what they write to /etc and /var is gone with the lab.
 */
export class NeighbourHost {
  readonly #cell: ProcessRef;

  private constructor(cell: ProcessRef) {
    this.#cell = cell;
  }

  static async start(lab: Lab): Promise<NeighbourHost> {
    const { id, disk, engine, host } = lab;
    const spec = {
      netns: host.netns,
      root: await rootFs('neighbours'),
      scratch: path.join(disk, 'neighbours'),
      // the engine finds D-Bus there, and everybody the lock of iptables-legacy
      mounts: [{ from: engineRunDir(id), to: '/run' }],
      // fail2ban asks for the host's own name and waits for an answer: the router refuses at once
      files: { '/etc/resolv.conf': `nameserver ${routerAddress.v4}\n` },
    };
    const log = openSync(path.join(disk, 'neighbours.log'), 'a');
    const first = ['bash', '-c', firstProcess, 'lab', engine.options.backend];
    const cell = await spawnDetached(cellArgv(spec, first), log);
    closeSync(log);
    lab.rememberCell(cell);
    await until({ what: `the root of the neighbours (${disk}/neighbours.log)`, ms: 10_000, every: 5 }, () =>
      existsSync(path.join(engineRunDir(id), 'neighbours-ready')),
    );
    return new NeighbourHost(cell);
  }

  /** Runs a script there, with `iptables` writing to the rule set that Docker uses; gives what it printed. */
  async shell(script: string): Promise<string> {
    const argv = inCellArgv(this.#cell, ['sh', '-ec', `${functions}${script}`]);
    return (await run(argv, { env: cellEnv(), cleanEnv: true })).stdout;
  }
}

// bash, because bash collects the processes that lose their parent
const firstProcess = `
set -e
for name in iptables ip6tables; do update-alternatives --quiet --set $name /usr/sbin/$name-$1; done
: >/run/neighbours-ready
while :; do sleep 3600; done
`;

/** `await COMMAND...`: until it succeeds. `start NAME COMMAND...`: in the background. `stop NAME`: ends what was started, and waits. */
const functions = `
await() { for i in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done; echo "in vain: $*" >&2; return 1; }
start() { name=$1; shift; "$@" >/var/log/$name.out 2>&1 & echo $! >/tmp/$name.pid; }
stop() { pid=$(cat /tmp/$1.pid); kill $pid; while [ -d /proc/$pid ]; do sleep 0.02; done; }
`;
