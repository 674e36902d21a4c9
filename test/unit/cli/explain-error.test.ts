import { describe, expect, it } from 'vitest';
import { EngineRefusal } from '../../../src/decide/pass/engine-check.ts';
import { exitCodes, UserError } from '../../../src/faces/cli/exit-code.ts';
import { explainError } from '../../../src/faces/cli/explain-error.ts';
import { DockerError } from '../../../src/reach/docker/client.ts';
import { KernelError, type KernelErrorCode } from '../../../src/reach/kernel/command.ts';

const kernel = (code: KernelErrorCode): KernelError =>
  new KernelError('restoring the sets: something', {
    code,
    command: { program: 'ipset', args: [], timeoutMs: 1 },
  });

describe('errors end in an exit code and a sentence that says what to do', () => {
  it.each<[string, unknown, number, RegExp]>([
    ['no NET_ADMIN', kernel('no-permission'), exitCodes.privilege, /privileged: true/],
    ['no ipset in the kernel', kernel('no-kernel-support'), exitCodes.privilege, /modprobe ip_set/],
    ['no iptables', kernel('missing-program'), exitCodes.privilege, /install iptables and ipset/],
    ['the xtables lock', kernel('lock-timeout'), exitCodes.failed, /xtables lock/],
    ['an engine without walls', new EngineRefusal('rootless'), exitCodes.privilege, /^rootless$/],
    ['a refused rule', kernel('rejected'), exitCodes.failed, /restoring the sets/],
    ['no socket', new DockerError('unreachable', 'looking', {}), exitCodes.dockerUnreachable, /docker\.sock/],
    ['an answer of Docker', new DockerError('refused', 'listing: 500', {}), exitCodes.failed, /500/],
    [
      'a bad config',
      new UserError(exitCodes.bad, 'dockwall.yml:1:2: no'),
      exitCodes.bad,
      /dockwall\.yml:1:2/,
    ],
    ['anything else', new TypeError('oops'), exitCodes.failed, /oops/],
  ])('%s', (_, error, exitCode, message) => {
    const explained = explainError(error, 0);
    expect(explained.exitCode).toBe(exitCode);
    expect(explained.message).toMatch(message);
  });

  it('a user other than root has no use for added capabilities', () => {
    const { message } = explainError(kernel('no-permission'), 1000);
    expect(message).toMatch(/run it as root/);
    expect(message).not.toMatch(/cap_add/);
  });
});
