import { plan as look, reconcile } from '../../daemon/pass.ts';
import { describe } from '../../decide/diff/describe.ts';
import { isEmpty } from '../../decide/diff/diff.ts';
import type { Plan } from '../../decide/diff/model.ts';
import { summarize } from '../../decide/diff/summary.ts';
import { requireGuardable } from '../../decide/pass/engine-check.ts';
import { sourceName } from '../../decide/policy/config.ts';
import { problemLine } from '../../decide/policy/problem-line.ts';
import { harmless } from '../../decide/report/text.ts';
import { answersOf, lookOnce } from '../../reach/sources/open.ts';
import type { Context } from './context.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { openParts, requireConfig } from './parts.ts';

/** `dockwall plan`: what a pass would change, in words; more than a screenful in short. Touches nothing. With `check`, 3 when something would. */
export async function plan(
  context: Context,
  options: { json?: boolean | undefined; check?: boolean | undefined; verbose?: boolean | undefined },
): Promise<ExitCode> {
  const config = await requireConfig(context);
  const decision = await look(await openParts(context, config));
  const problems = decision.policy.problems.map(problemLine);
  if (options.json === true) {
    context.print(JSON.stringify({ version: 1, changes: describe(decision.plan), problems }, undefined, 2));
  } else {
    for (const problem of problems) context.complain(`problem: ${problem}`);
    context.print(planText(decision.plan, options.verbose));
  }
  return options.check === true && !isEmpty(decision.plan) ? exitCodes.pending : exitCodes.ok;
}

/** `dockwall apply`: one pass, after a look at every name and list. Those that fail count as they last answered. */
export async function apply(context: Context, options: { verbose?: boolean | undefined }): Promise<ExitCode> {
  const config = await requireConfig(context);
  const parts = await openParts(context, config);
  const { policy } = await look(parts);
  const looks = await lookOnce(policy.sources, { env: context.env, keep: true });
  for (const { source, error } of looks)
    if (error !== undefined) context.complain(`warning: ${harmless(sourceName(source))}: ${harmless(error)}`);
  const answers = answersOf(looks);
  const decision = await reconcile({ ...parts, answers: () => answers }, ({ engine }) =>
    requireGuardable(engine),
  );
  for (const problem of decision.policy.problems.map(problemLine)) context.complain(`problem: ${problem}`);
  context.print(planText(decision.plan, options.verbose));
  return exitCodes.ok;
}

/** A plan of more lines than this is told in short. */
const screenful = 30;

function planText(plan: Plan, verbose = false): string {
  if (isEmpty(plan)) return 'Nothing to do: the kernel holds what it should.';
  const all = changesText(plan);
  const length = all.split('\n').length;
  if (verbose || length <= screenful) return all;
  return [...summarize(plan), `(in short; --verbose shows each change, in ${length} lines)`].join('\n');
}

/** Changes under a heading for each set and chain, in the order in which they happen. */
export function changesText(plan: Plan): string {
  const text: string[] = [];
  let heading = '';
  for (const { sign, where, what } of describe(plan)) {
    if (where !== heading) text.push(where);
    heading = where;
    text.push(`  ${sign} ${harmless(what, 400)}`);
  }
  return text.join('\n');
}
