import { EngineProbe } from '../../daemon/engine-probe.ts';
import { ownIn } from '../../daemon/guard-sets.ts';
import type { PassParts } from '../../daemon/pass.ts';
import type { ConfigInForce } from '../../decide/pass/decide.ts';
import { ConfigKeeper } from '../../reach/config/keeper.ts';
import { connectDocker } from '../../reach/docker/dockerode-client.ts';
import { DockerSource } from '../../reach/docker/source.ts';
import { readHost } from '../../reach/host/read-host.ts';
import { runCommand } from '../../reach/kernel/command.ts';
import { createKernel } from '../../reach/kernel/kernel.ts';
import { ProgramReader, readingRun } from '../../reach/kernel/reader.ts';
import { keptAnswers } from '../../reach/sources/open.ts';
import type { Context } from './context.ts';
import { exitCodes, UserError } from './exit-code.ts';

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

/** What a verb reads it reads with one program: starting them is most of what its look costs. It ends with this process. */
export const run = readingRun(new ProgramReader().readText, runCommand);

/** The real kernel, Docker and host, for one pass; names and lists as the daemon last knew them. */
export async function openParts({ env }: Pick<Context, 'env'>, config: ConfigInForce): Promise<PassParts> {
  const answers = await keptAnswers(env);
  let docker: ReturnType<typeof openDocker> | undefined;
  return {
    // While the programs look at the kernel, Docker's client is loaded.
    kernel: createKernel(
      async (command) => {
        const answer = run(command);
        setImmediate(() => void (docker ??= openDocker(env)).catch(() => {}));
        return answer;
      },
      { lock: { kind: 'once' } },
    ),
    list: async () => {
      const { source, probe } = await (docker ??= openDocker(env));
      const [snapshot, engine] = await Promise.all([source.list(), probe.look()]);
      return { ...snapshot, engine };
    },
    // Who has just been started does not know what listens here; the daemon does, and has it in the kernel.
    host: async (observed) => ({ ...(await readHost(run)), ...ownIn(observed) }),
    config: () => config,
    answers: () => answers,
  };
}

async function openDocker(
  env: Context['env'],
): Promise<{ readonly source: DockerSource; readonly probe: EngineProbe }> {
  const client = await connectDocker();
  return {
    source: new DockerSource(client, () => {}, { patience: inspectPatience }),
    probe: new EngineProbe({ client, run, env }),
  };
}
