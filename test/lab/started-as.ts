import { callOf } from '../../src/reach/docker/calls.ts';
import type { Lab } from './lab.ts';
import { SocketProxy } from './socket-proxy.ts';

/** Ways in which the sidecar is started, besides compose.example.yml's. */
export const otherWays = ['hardened', 'proxy', 'swarm'] as const;
export type Way = (typeof otherWays)[number] | 'privileged';

/** Names one of them: the scenarios are then played with a sidecar that was started so. */
export const wayVariable = 'DOCKWALL_LAB_AS';

/** How the sidecar is started in this run. */
export function way(): Way {
  const asked = process.env[wayVariable] ?? '';
  if (asked === '') return 'privileged';
  const found = otherWays.find((one) => one === asked);
  if (found === undefined) throw new Error(`${wayVariable}=${asked}: one of ${otherWays.join(', ')}`);
  return found;
}

// What Docker does for `read_only: true` and for each container that is not privileged: nothing of the root can be written, nor of
// /proc/sys and /sys; then the capabilities. Process 1 stays the same.
const least = `
mount -o remount,bind,ro /
mount -o remount,bind,ro /tmp
for dir in /proc/sys /sys; do mount --bind $dir $dir; mount -o remount,bind,ro $dir; done
exec setpriv "$@"
`;

/** The command with the rights that docs/recipes/hardened.compose.yml and swarm.stack.yml leave: root, and two capabilities. */
export function withRights(command: readonly string[]): readonly string[] {
  const how = way();
  if (how === 'privileged' || how === 'proxy') return command;
  // Swarm has no `security_opt`
  const gains = how === 'hardened' ? ['--no-new-privs'] : [];
  const rights = ['--bounding-set', '-all,+net_admin,+net_raw', '--inh-caps', '-all'];
  return ['sh', '-ec', least, 'sh', ...gains, ...rights, ...command];
}

/** A stream that is quiet for so long is cut, ms: docker-socket-proxy does it after 10 minutes. */
const patience = 3000;

const proxies = new WeakMap<Lab, Promise<SocketProxy>>();

/** What `DOCKER_HOST` is for a dockwall of this lab: the engine's socket, or a proxy that lets nothing through but what the documents list. */
export async function dockerHostOf(lab: Lab): Promise<string> {
  if (way() !== 'proxy') return 'unix:///run/host/docker.sock';
  const proxy =
    proxies.get(lab) ??
    SocketProxy.start(lab, {
      name: 'strict.sock',
      allows: (method, url) => callOf(method, url) !== undefined,
      cutsQuiet: patience,
    });
  proxies.set(lab, proxy);
  await proxy;
  return 'unix:///run/host/strict.sock';
}
