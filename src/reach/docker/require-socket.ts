import { stat } from 'node:fs/promises';
import { DockerError } from './client.ts';

const defaultSocket = '/var/run/docker.sock';

/**
 * A socket that is not mounted will not appear by waiting; one that is there and silent belongs to an engine that is
 * down for now. Rejects with DockerError `unreachable` in the first case only.
 */
export async function requireSocket(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const host = env['DOCKER_HOST'] ?? '';
  if (host !== '' && !host.startsWith('unix://')) return;
  const path = host.slice('unix://'.length) || defaultSocket;
  const found = await stat(path).catch(() => undefined);
  if (found?.isSocket() === true) return;
  const what = found === undefined ? 'there is nothing' : 'there is no socket';
  throw new DockerError('unreachable', `looking for Docker at ${path}: ${what}`, {});
}
