import { readFile } from 'node:fs/promises';
import type { EngineAnswers } from '../decide/inventory/docker-json.ts';
import { readInfo, readVersion } from '../decide/inventory/read-docker.ts';
import type { DockerClient } from '../reach/docker/client.ts';
import { DockerError } from '../reach/docker/client.ts';
import type { Run } from '../reach/kernel/command.ts';

interface ProbeParts {
  readonly client: DockerClient;
  readonly run: Run;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile?: (path: string) => Promise<string>;
}

/**
 * Asks the engine what it is. That changes with its start only, which ends the event stream: the answer is kept until
 * {@link forget}.
 */
export class EngineProbe {
  private readonly parts: ProbeParts;
  private answers: Promise<EngineAnswers> | undefined;

  constructor(parts: ProbeParts) {
    this.parts = parts;
  }

  /** Call when the event stream opens: it may be another engine. */
  forget(): void {
    this.answers = undefined;
  }

  /** Rejects with DockerError `unreachable`; an answer that is refused or cannot be read is none. */
  async look(): Promise<EngineAnswers> {
    const asked = (this.answers ??= this.ask());
    try {
      return await asked;
    } catch (error) {
      if (this.answers === asked) this.answers = undefined;
      throw error;
    }
  }

  private async ask(): Promise<EngineAnswers> {
    const { client, env } = this.parts;
    const host = env['DOCKER_HOST'] ?? '';
    const [info, version, nftables, mounts] = await Promise.all([
      answerOf(client.info(), readInfo),
      answerOf(client.version(), readVersion),
      this.seesNftables(),
      this.mounts(),
    ]);
    const remote = host === '' || host.startsWith('unix://') ? undefined : host;
    const ownContainer = containerOf(mounts);
    // outside a container it is the host's anyway
    const sharesLock = ownContainer === undefined || mountsLock(mounts);
    return { info, version, nftables, ownContainer, sharesLock, remote };
  }

  /** `docker-bridges` is the name of Docker's tables, in ip and in ip6 (moby, daemon/libnetwork/drivers/bridge/internal/nftabler). */
  private async seesNftables(): Promise<boolean | undefined> {
    try {
      const listed = await this.parts.run({ program: 'nft', args: ['list', 'tables'], timeoutMs: 10_000 });
      return listed.exitCode === 0 ? /^table ip6? docker-bridges$/m.test(listed.stdout) : undefined;
    } catch {
      return undefined; // the program may be missing
    }
  }

  private async mounts(): Promise<string> {
    const read = this.parts.readFile ?? ((path) => readFile(path, 'latin1'));
    return read('/proc/self/mountinfo').catch(() => '');
  }
}

/** Whether the host's lock of iptables-legacy is among these mounts (/proc/self/mountinfo). */
export function mountsLock(mounts: string): boolean {
  return / \/run\/xtables\.lock /.test(mounts);
}

/** Docker mounts three files of its folder of a container into it; its host name may be any. */
function containerOf(mounts: string): string | undefined {
  return /\/containers\/([0-9a-f]{64})\/(?:resolv\.conf|hostname|hosts) /.exec(mounts)?.[1];
}

async function answerOf<T>(
  asked: Promise<unknown>,
  read: (json: unknown) => T | undefined,
): Promise<T | undefined> {
  try {
    return read(await asked);
  } catch (error) {
    if (error instanceof DockerError && error.code === 'unreachable') throw error;
    return undefined;
  }
}
