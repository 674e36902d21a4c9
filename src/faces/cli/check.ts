import { plan } from '../../daemon/pass.ts';
import { readInventory } from '../../decide/inventory/read-inventory.ts';
import { checkForeign } from '../../decide/pass/foreign-check.ts';
import type { Config } from '../../decide/policy/config.ts';
import { entryNotes } from '../../decide/policy/entry-notes.ts';
import { interfaceNotes } from '../../decide/policy/interface-notes.ts';
import { labelNotes } from '../../decide/policy/label-notes.ts';
import { foldAlike, problemLine } from '../../decide/policy/problem-line.ts';
import { observingNote } from '../../decide/report/observing-note.ts';
import { privateNotes } from '../../decide/report/private-notes.ts';
import { unprotectedLines } from '../../decide/report/status-services.ts';
import { readStatus } from '../../decide/report/status.ts';
import { harmless, wrap } from '../../decide/report/text.ts';
import { type Look, lookOnce } from '../../reach/sources/open.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { checkGroups, groupTable } from './group-table.ts';
import { openParts, requireConfig } from './parts.ts';

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
  const observing = observingNote(decision.observed.sets, Date.now());
  const notes = [
    ...(observing === undefined ? [] : [observing]),
    ...decision.engine.findings.map(({ text }) => text),
    ...sets.flatMap(({ kind, text }) => (kind === 'problem' ? [] : [text])),
    ...interfaceNotes(decision.policy, decision.from.host.interfaces),
    ...labelNotes(decision.policy),
    ...privateNotes(nameAnswers(looks)),
    ...idleEntries(decision, config.config.services),
  ];
  const unprotected = unprotectedLines(readStatus(decision, { now: Date.now() }).services);
  if (options.json === true) {
    context.print(JSON.stringify({ version: 1, problems, unprotected, notes, groups }, undefined, 2));
  } else {
    const width = context.screen?.columns;
    const failed = looks.filter(({ error }) => error !== undefined).length;
    const table = groupTable(groups, width === undefined ? undefined : width - 2).split('\n');
    const lines = [
      ...foldAlike(unprotected).map((line) => `NOT PROTECTED: ${line}`),
      labels.length === 0 ? 'labels: ok' : `labels: ${labels.length} wrong`,
      ...foldAlike(labels).map((problem) => `  ${problem}`),
      ...broken.map((problem) => `problem: ${problem}`),
      failed === 0 ? 'sources: ok' : `sources: ${failed} failing`,
      ...table.map((line) => `  ${line}`),
      ...notes.map((note) => `note: ${note}`),
    ];
    for (const line of lines.flatMap((one) => wrap(one, width))) context.print(line);
  }
  if (problems.length > 0) return exitCodes.bad;
  return looks.some(({ error }) => error !== undefined) ? exitCodes.failed : exitCodes.ok;
}

function nameAnswers(looks: readonly Look[]): Parameters<typeof privateNotes>[0] {
  return looks.flatMap(({ source, good }) =>
    source.kind === 'name' && good !== undefined ? [{ name: source.name, networks: good.networks }] : [],
  );
}

function idleEntries(
  { policy, from }: Awaited<ReturnType<typeof plan>>,
  services: Config['services'],
): readonly string[] {
  return entryNotes(readInventory(from.snapshot, from.host), policy, services).map((note) => harmless(note));
}
