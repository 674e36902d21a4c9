import { ConfigKeeper } from '../config/keeper.ts';
import { connectDocker } from '../docker/dockerode-client.ts';
import { DockerSource } from '../docker/source.ts';
import { readHost } from '../host/read-host.ts';
import { runCommand } from '../kernel/command.ts';
import { createKernel } from '../kernel/kernel.ts';
import { EngineProbe } from '../reconciler/engine-probe.ts';
import type { ConfigInForce, PassParts } from '../reconciler/pass.ts';
import { keptAnswers } from '../sources/open.ts';
import { exitCodes, UserError } from './exit-code.ts';

/** What a verb has from outside. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One text to standard output, a newline after it. */
  readonly print: (text: string) => void;
  /** The same to standard error. */
  readonly complain: (text: string) => void;
  /** The terminal that standard output is; undefined for a file or a pipe. */
  readonly screen?: { readonly rows: number; readonly columns: number } | undefined;
}

/** The folder of the daemon's socket. */
export function runtimeFolder(env: Context['env']): string {
  return env['DOCKWALL_RUNTIME_DIR'] ?? '/run/dockwall';
}

export function healthSocket(env: Context['env']): string {
  return `${runtimeFolder(env)}/dockwall.sock`;
}

/** The configuration for a verb that runs once: warnings are told, errors end it. */
export async function requireConfig({ env, complain }: Context): Promise<ConfigInForce> {
  const keeper = new ConfigKeeper(env);
  const { problems, warnings } = await keeper.reload();
  for (const warning of warnings) complain(`warning: ${warning}`);
  if (problems.length > 0) throw new UserError(exitCodes.bad, problems.join('\n'));
  return keeper.inForce();
}

/** No later pass will hear an answer that is late, and without it a wrong port in a label is not seen. */
const inspectPatience = 10_000;

/** The real kernel, Docker and host, for one pass; names and lists as the daemon last knew them. */
export async function openParts({ env }: Pick<Context, 'env'>, config: ConfigInForce): Promise<PassParts> {
  const client = await connectDocker();
  const source = new DockerSource(client, () => {}, inspectPatience);
  const probe = new EngineProbe({ client, run: runCommand, env });
  const answers = await keptAnswers(env);
  return {
    kernel: createKernel(runCommand),
    list: async () => {
      const [snapshot, engine] = await Promise.all([source.list(), probe.look()]);
      return { ...snapshot, engine };
    },
    // A look that is the first of its process has seen no listener for long: nothing is given back to the host.
    host: async () => ({ ...(await readHost()), listeners: [] }),
    config: () => config,
    answers: () => answers,
  };
}
