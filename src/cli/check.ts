import { checkForeign } from '../reconciler/foreign-check.ts';
import { plan } from '../reconciler/pass.ts';
import { type Context, openParts, requireConfig } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { problemLine } from './problems.ts';
import { readStatus } from './status-model.ts';
import { harmless } from './text.ts';

/** `dockwall check`: the configuration and every label, and what cannot be protected. 2 when something is wrong. */
export async function check(context: Context, options: { json?: boolean | undefined }): Promise<ExitCode> {
  const config = await requireConfig(context);
  if (options.json !== true) context.print('configuration: ok');
  const decision = await plan(await openParts(context, config));
  const labels = decision.policy.problems.map(problemLine);
  const sets = checkForeign(decision.foreign);
  const broken = sets.flatMap(({ kind, text }) => (kind === 'problem' ? [text] : []));
  const problems = [...labels, ...broken];
  const notes = [
    ...decision.engine.findings.map(({ text }) => text),
    ...sets.flatMap(({ kind, text }) => (kind === 'problem' ? [] : [text])),
    ...unprotected(decision),
    ...unusedServices(decision, config.config.services),
  ];
  if (options.json === true) {
    context.print(JSON.stringify({ version: 1, problems, notes }, undefined, 2));
  } else {
    context.print(labels.length === 0 ? 'labels: ok' : `labels: ${labels.length} wrong`);
    for (const problem of labels) context.print(`  ${problem}`);
    for (const problem of broken) context.print(`problem: ${problem}`);
    for (const note of notes) context.print(`note: ${note}`);
  }
  return problems.length === 0 ? exitCodes.ok : exitCodes.bad;
}

function unprotected(decision: Parameters<typeof readStatus>[0]): readonly string[] {
  return readStatus(decision).services.flatMap(({ name, notProtected }) =>
    notProtected.map((what) => `${harmless(name)} is not protected: ${harmless(what)}`),
  );
}

function unusedServices(
  { policy }: Parameters<typeof readStatus>[0],
  services: ReadonlyMap<string, unknown>,
): readonly string[] {
  const names = new Set(
    policy.services.flatMap(({ name, composeService, swarmService }) => [name, composeService, swarmService]),
  );
  return [...services.keys()]
    .filter((name) => !names.has(name))
    .map(
      (name) => `services.${harmless(name)} in the configuration matches no container or swarm service now`,
    );
}
