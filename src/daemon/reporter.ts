import { describe } from '../decide/diff/describe.ts';
import { isEmpty, setChanges } from '../decide/diff/diff.ts';
import { type Drift, type DriftKind, driftKinds } from '../decide/diff/drift.ts';
import type { ForeignState } from '../decide/diff/foreign.ts';
import type { Plan, SetChange } from '../decide/diff/model.ts';
import type { Decision } from '../decide/pass/decide.ts';
import type { EngineView, Finding } from '../decide/pass/engine-check.ts';
import { checkForeign } from '../decide/pass/foreign-check.ts';
import { describeChanges } from '../decide/policy/changes.ts';
import { dockersAnswer, type Policy, type Problem } from '../decide/policy/model.ts';
import { problemLine, problemPlace } from '../decide/policy/problem-line.ts';
import type { Health } from '../decide/report/health.ts';
import { lockProblem } from '../decide/report/status-walls.ts';
import type { IpSet } from '../decide/wall/model.ts';
import { DockerError } from '../reach/docker/client.ts';
import { KernelError } from '../reach/kernel/command.ts';
import type { Log } from '../reach/log/model.ts';
import { ObservingReport } from './observing-report.ts';
import { readStart, type StartFacts, startText } from './start-line.ts';

/** More changes at once than this are only counted: a line each is for people. */
const mostChanges = 50;

/** Members that are named in one line each. */
const mostNamed = 10;
/** Kinds of drift that are remembered as told. */
const mostTold = 100;

/**
 * Tells people what happened, once: a standing problem is one warning, and one line when it is gone. Keeps what
 * `health` answers with.
 */
export class Reporter {
  private readonly log: Log;
  private warned = new Map<string, Problem>();
  private passes = 0;
  private passFailure: string | undefined;
  private repeats = 0;
  private dockerDown: string | undefined;
  /** Docker answers, and something before it refuses its event stream: what was asked, and what to allow. */
  private eventsRefused: string | undefined;
  private guardFailure: string | undefined;
  private lockProblem: string | undefined;
  /** Whether the event stream is open: before, a new container is seen by the schedule only. */
  private watching = false;
  private readonly drift = new Map<DriftKind, number>(driftKinds.map((kind) => [kind, 0]));
  private readonly told = new Map<string, number>();
  private findings: readonly Finding[] = [];
  private readonly about: StartFacts;
  private policy: Policy | undefined;
  private readonly observing: ObservingReport;
  /** What is wrong with external sets, by their names. */
  private foreign = new Map<string, Finding>();
  /** Members of each set after the last pass. */
  private left: ReadonlyMap<string, IpSet['members']> = new Map();

  constructor(log: Log, about: StartFacts) {
    this.log = log;
    this.observing = new ObservingReport(log);
    this.about = about;
  }

  passed(decision: Decision): void {
    this.passes += 1;
    if (this.passFailure !== undefined) this.log.info({ failures: this.repeats }, 'passes succeed again');
    this.passFailure = undefined;
    this.repeats = 0;
    this.saw(decision.observed);
    this.reportPolicy(decision);
    this.reportProblems(decision.policy.problems);
    this.reportEngine(decision.engine);
    this.reportForeign(decision.foreign);
    const handmade = this.handmade(decision);
    for (const { set, member } of handmade.slice(0, mostNamed)) {
      this.log.warn(
        { set, member },
        `removed the permanent member ${member} of ${set}, which no configuration knows; dockwall grant lets one in for a while`,
      );
    }
    if (handmade.length > mostNamed)
      this.log.warn({}, `and ${handmade.length - mostNamed} more such members`);
    this.left = new Map(decision.ruleset.sets.map((set) => [set.name, set.members]));
    if (isEmpty(decision.plan)) this.log.debug({}, 'nothing to do');
    else this.log.debug({ changes: inWords(decision.plan) }, 'brought the kernel up to date');
  }

  /** Call whenever the kernel was looked at. */
  saw(observed: Decision['observed']): void {
    this.observing.saw(observed.sets, Date.now());
    this.reportLock(observed);
  }

  /**
   * Once, that a kernel has none, or that another process holds it. No matter of `health`: the walls stand, and an orchestrator may wait
   * for this dockwall to be well before it ends the one that holds the lock.
   */
  private reportLock({ lock }: Decision['observed']): void {
    const problem = lock === undefined ? undefined : lockProblem(lock);
    if (problem !== undefined && problem !== this.lockProblem)
      this.log[lock?.kind === 'stands' ? 'warn' : 'info']({}, `the lock ${problem}`);
    this.lockProblem = problem;
  }

  /** Answers of live sources have changed sets between two passes; the pass that follows says in words what that means. */
  refreshed(changes: readonly SetChange[]): void {
    this.log.debug(
      { changes: inWords({ sets: changes, tables: [], destroy: [] }) },
      'a source has changed; its sets are up to date',
    );
  }

  /**
   * The same failure again is only counted. Rules that the kernel refuses once have lost a race with Docker or another tool, as a rule,
   * and the next pass, a second later, looks again: only the second refusal in a row is a failure.
   */
  passFailed(error: unknown): void {
    const message = messageOf(error);
    this.repeats += 1;
    if (this.repeats === 1 && error instanceof KernelError && error.code === 'rejected') {
      this.log.debug({ error: message }, 'the kernel refused a pass; it is tried again');
      return;
    }
    if (message !== this.passFailure)
      this.log.error({ error: message }, 'a pass failed; the rules stay as they were');
    this.passFailure = message;
  }

  /** The guard could not be written; undefined when it is again. */
  guardFailed(error: unknown): void {
    const message = error === undefined ? undefined : messageOf(error);
    if (message !== undefined && this.guardFailure === undefined) {
      this.log.error({ error: message }, 'the guard for new containers could not be renewed');
    } else if (message === undefined) this.log.info({}, 'the guard for new containers stands again');
    this.guardFailure = message;
  }

  /** What others changed, and was put back. The same again is only counted. */
  drifted(drifts: readonly Drift[]): void {
    for (const { kind } of drifts) this.drift.set(kind, (this.drift.get(kind) ?? 0) + 1);
    const loud = drifts.filter(({ quiet }) => quiet !== true).map(({ what }) => what);
    for (const { what, quiet } of drifts) if (quiet === true) this.log.debug({ what }, 'drift');
    if (loud.length === 0) return;
    const key = loud.join('; ');
    const times = (this.told.get(key) ?? 0) + 1;
    if (this.told.size >= mostTold) this.told.clear();
    this.told.set(key, times);
    // 1, 10, 100: a tool that fights for a place in a chain does so without end
    if (Number.isInteger(Math.log10(times)))
      this.log.warn({ found: loud, times }, 'somebody changed our rules or sets; they are put back');
    else this.log.debug({ found: loud, times }, 'drift');
  }

  dockerAnswers(): void {
    if (this.dockerDown !== undefined) this.log.info({}, 'Docker answers again');
    this.dockerDown = undefined;
  }

  watchingDocker(watching: boolean): void {
    this.watching = watching;
    if (watching) this.eventsRefused = undefined;
  }

  dockerWentAway(error: unknown): void {
    const message = error === undefined ? 'the event stream ended' : messageOf(error);
    if (error instanceof DockerError && error.code === 'refused') {
      if (this.eventsRefused !== message)
        this.log.warn({ error: message }, 'Docker does not tell of its events; the walls stay');
      this.eventsRefused = message;
      return;
    }
    if (this.dockerDown === undefined) this.log.warn({ error: message }, 'Docker went away; the walls stay');
    this.dockerDown = message;
  }

  health(configProblems: readonly string[]): Health {
    const problems = [
      ...configProblems.map((problem) => `configuration: ${problem}`),
      ...(this.dockerDown === undefined ? [] : [`Docker: ${this.dockerDown}`]),
      ...(this.passFailure === undefined ? [] : [`last pass: ${this.passFailure}`]),
      ...(this.guardFailure === undefined ? [] : [`guard: ${this.guardFailure}`]),
      ...(this.passes === 0 ? ['no pass has succeeded yet'] : []),
      ...(this.watching ? [] : [this.eventsRefused ?? "Docker's event stream is not open"]),
      ...[...this.findings, ...this.foreign.values()].flatMap(({ kind, text }) =>
        kind === 'refusal' || kind === 'problem' ? [text] : [],
      ),
    ];
    return {
      healthy: problems.length === 0,
      problems,
      ...this.observing.health(Date.now()),
      drift: Object.fromEntries(this.drift),
    };
  }

  /** What has changed, a line each; at the start who we are and what there is. */
  private reportPolicy(decision: Decision): void {
    const before = this.policy;
    this.policy = decision.policy;
    if (before === undefined) {
      const start = readStart(decision, this.about);
      this.log.info({ start }, startText(start));
      return;
    }
    const changes = describeChanges(before, decision.policy);
    for (const { verb, text } of changes.slice(0, mostChanges))
      this.log.info({ change: verb }, `${verb.padEnd(7)} ${text}`);
    const more = changes.length - mostChanges;
    if (more > 0) this.log.info({}, `and ${more} more changes: see dockwall status`);
  }

  /** Members taken out of source sets that the last pass did not leave there: somebody's hand has put them in. */
  private handmade({ plan, ruleset }: Decision): readonly Extract<SetChange, { kind: 'delete-member' }>[] {
    const sources = new Set<string>(ruleset.sets.filter(({ expiring }) => expiring).map(({ name }) => name));
    return setChanges(plan).flatMap((change) => {
      if (change.kind !== 'delete-member' || !sources.has(change.set)) return [];
      return this.left.get(change.set)?.includes(change.member) === true ? [] : [change];
    });
  }

  private reportEngine({ facts, findings }: EngineView): void {
    const known = new Set(this.findings.map(({ text }) => text));
    for (const { kind, text } of findings) {
      if (!known.has(text)) this.log[kind === 'note' ? 'info' : 'warn'](facts ?? {}, text);
    }
    this.findings = findings;
  }

  private reportForeign(states: readonly ForeignState[]): void {
    const now = new Map<string, Finding>();
    for (const state of states) for (const finding of checkForeign([state])) now.set(state.name, finding);
    for (const [set, { kind, text }] of now) {
      if (this.foreign.get(set)?.text !== text) this.log[kind === 'note' ? 'info' : 'warn']({ set }, text);
    }
    for (const { name: set, state } of states) {
      if (state.kind === 'found' && this.foreign.has(set))
        this.log.info({ set }, `the ipset "${set}" is there now and counts`);
    }
    this.foreign = now;
  }

  private reportProblems(problems: readonly Problem[]): void {
    const now = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
    for (const [key, problem] of now) {
      if (!this.warned.has(key)) this.log.warn(fields(problem), problemText(problem));
    }
    for (const [key, problem] of this.warned) {
      if (!now.has(key)) this.log.info(fields(problem), `${kindOf(problem)} gone: ${problemPlace(problem)}`);
    }
    this.warned = now;
  }
}

function kindOf({ label, of }: Problem): string {
  return label === dockersAnswer ? 'problem with what Docker says' : `${of ?? 'label'} problem`;
}

/** Everything is in the sentence: people read lines, and not fields. */
function problemText(problem: Problem): string {
  const { label, of, partly } = problem;
  const so =
    label === dockersAnswer
      ? '; it opens nothing'
      : of === 'network' || partly === true
        ? ''
        : '; this container opens nothing';
  return `${kindOf(problem)}: ${problemLine(problem)}${so}`;
}

function inWords(plan: Plan): readonly string[] {
  return describe(plan).map(({ sign, where, what }) => `${sign} ${where}: ${what}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error);
}

function fields({ container, label, value, hint }: Problem): object {
  return { container, label, value: value.slice(0, 200), ...(hint === undefined ? {} : { hint }) };
}
