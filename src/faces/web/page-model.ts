import type { ServiceStatus } from '../../decide/report/status-services.ts';
import type { Refusal, SourceStatus } from '../../decide/report/status.ts';

/** What the page shows: text for people, decided; how it looks is the views' to say. Made by `readPage`. */
export interface PageModel {
  /** The host's name. */
  readonly host: string;
  readonly state: PageState;
  /** While the walls only look, who is listed as turned away has got in. */
  readonly observing: boolean;
  /** What somebody should look at: sentences, the worst first. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  /** Facts in one line each: the engine, the walls. */
  readonly facts: readonly Fact[];
  /** Those that the reader looks for; all, where nothing is looked for. */
  readonly services: readonly ServiceView[];
  readonly find: Find;
  readonly sources: readonly SourceView[];
  /** DNS names and lists, and how fresh they are. */
  readonly lists: readonly SourceStatus[];
  /** Who was turned away lately; undefined where nobody counts. */
  readonly blocked: readonly Refusal[] | undefined;
  /** Whether somebody answers `explain`. */
  readonly explains: boolean;
}

export interface PageState {
  /** `down`: a wall is missing. `trouble`: the walls stand, but something is wrong. */
  readonly kind: 'up' | 'trouble' | 'down' | 'starting';
  readonly text: string;
  /** When the last pass was done. */
  readonly passed: Date | undefined;
}

export interface Fact {
  readonly name: string;
  readonly text: string;
  readonly bad: boolean;
}

export interface Find {
  /** What the reader looks for; empty: nothing. */
  readonly text: string;
  /** How many services there are. */
  readonly of: number;
}

export interface ServiceView extends ServiceStatus {
  /** Of the row in the table; the same at every look. */
  readonly id: string;
}

/** A source as the configuration has it: a group, the trusted, those who are denied everywhere. */
export interface SourceView {
  readonly kind: 'trusted' | 'denied' | 'group';
  readonly name: string;
  /** Who that is, in short. */
  readonly who: string;
}
