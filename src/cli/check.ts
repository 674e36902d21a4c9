import { interfaceNotes } from '../policy/interface-notes.ts';
import { labelNotes } from '../policy/label-notes.ts';
import { checkForeign } from '../reconciler/foreign-check.ts';
import { plan } from '../reconciler/pass.ts';
import { type Look, lookOnce } from '../sources/open.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { checkGroups, groupTable, privateNotes } from './group-table.ts';
import { openParts, requireConfig } from './parts.ts';
import { problemLine } from './problems.ts';
import { readStatus } from './status-model.ts';
import { unprotectedLines } from './status-services.ts';
import { harmless } from './text.ts';

/**
 * `dockwall check`: the configuration, every label and every source, and what cannot be protected. 2 when a label is wrong (as
 * when the configuration is), 1 when a name or list fails.
 */
export async function check(context: Context, options: { json?: boolean | undefined }): Promise<ExitCode> {
  const config = await requireConfig(context);
  if (options.json !== true) context.print('configuration: ok');
  const decision = await plan(await openParts(context, config));
  const labels = decision.policy.problems.map(problemLine);
  const sets = checkForeign(decision.foreign);
  const broken = sets.flatMap(({ kind, text }) => (kind === 'problem' ? [text] : []));
  const problems = [...labels, ...broken];
  const looks = await lookOnce(decision.policy.sources, { env: context.env, keep: false });
  const groups = checkGroups({ config: config.config, policy: decision.policy }, looks, Date.now());
  const notes = [
    ...decision.engine.findings.map(({ text }) => text),
    ...sets.flatMap(({ kind, text }) => (kind === 'problem' ? [] : [text])),
    ...interfaceNotes(decision.policy, decision.from.host.interfaces),
    ...labelNotes(decision.policy),
    ...privateNotes(nameAnswers(looks)),
    ...unusedServices(decision, config.config.services),
  ];
  const unprotected = unprotectedLines(readStatus(decision).services);
  if (options.json === true) {
    context.print(JSON.stringify({ version: 1, problems, unprotected, notes, groups }, undefined, 2));
  } else {
    for (const line of unprotected) context.print(`NOT PROTECTED: ${line}`);
    context.print(labels.length === 0 ? 'labels: ok' : `labels: ${labels.length} wrong`);
    for (const problem of labels) context.print(`  ${problem}`);
    for (const problem of broken) context.print(`problem: ${problem}`);
    const failed = looks.filter(({ error }) => error !== undefined).length;
    context.print(failed === 0 ? 'sources: ok' : `sources: ${failed} failing`);
    for (const line of groupTable(groups).split('\n')) context.print(`  ${line}`);
    for (const note of notes) context.print(`note: ${note}`);
  }
  if (problems.length > 0) return exitCodes.bad;
  return looks.some(({ error }) => error !== undefined) ? exitCodes.failed : exitCodes.ok;
}

function nameAnswers(looks: readonly Look[]): Parameters<typeof privateNotes>[0] {
  return looks.flatMap(({ source, good }) =>
    source.kind === 'name' && good !== undefined ? [{ name: source.name, networks: good.networks }] : [],
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
