import { EngineRefusal } from '../../decide/pass/engine-check.ts';
import { DockerError } from '../../reach/docker/client.ts';
import { KernelError } from '../../reach/kernel/command.ts';
import { exitCodes, type ExitCode, UserError } from './exit-code.ts';

const advice = {
  'no-permission':
    'add "privileged: true" (or cap_add: [NET_ADMIN, NET_RAW]) to the dockwall service in the compose file',
  'no-kernel-support':
    'this kernel lacks a netfilter feature; load it on the host (modprobe ip_set xt_set) or use a kernel that has it',
  'missing-program': 'run the image, or install iptables and ipset',
  'lock-timeout':
    'another program holds the xtables lock; try again, and see who does with: fuser /run/xtables.lock',
} as const;

/** Added capabilities are root's alone: Docker gives a user other than root none of them. */
export const rootAdvice = 'run it as root: take "user:" out of the dockwall service in the compose file';

/** The exit code and the sentences for an error, advice included. `uid`: of this process. */
export function explainError(
  error: unknown,
  uid = process.getuid?.(),
): { readonly exitCode: ExitCode; readonly message: string } {
  if (error instanceof UserError) return { exitCode: error.exitCode, message: error.message };
  if (error instanceof EngineRefusal) return { exitCode: exitCodes.privilege, message: error.message };
  if (error instanceof KernelError) {
    const notRoot = error.code === 'no-permission' && uid !== undefined && uid !== 0;
    const known = notRoot
      ? rootAdvice
      : error.code in advice
        ? advice[error.code as keyof typeof advice]
        : undefined;
    const exitCode =
      error.code === 'no-permission' || error.code === 'no-kernel-support' || error.code === 'missing-program'
        ? exitCodes.privilege
        : exitCodes.failed;
    return { exitCode, message: known === undefined ? error.message : `${error.message}\n${known}` };
  }
  if (error instanceof DockerError) {
    return error.code === 'unreachable'
      ? { exitCode: exitCodes.dockerUnreachable, message: `${error.message}\n${socketAdvice}` }
      : { exitCode: exitCodes.failed, message: error.message };
  }
  return { exitCode: exitCodes.failed, message: error instanceof Error ? error.message : String(error) };
}

const socketAdvice =
  'Docker does not answer: mount its socket into the dockwall service (volumes: ["/var/run/docker.sock:/var/run/docker.sock"]) or set DOCKER_HOST';
