import { dirname } from 'node:path';
import { type LiveSource, type SourceKey, sourceKey } from '../../decide/policy/config.ts';
import type { Answers } from '../../decide/policy/model.ts';
import { stateFolder } from '../config/last-good.ts';
import type { Environment } from '../config/layer.ts';
import { configPath } from '../config/read.ts';
import { systemClock } from '../host/clock.ts';
import { watchFile } from '../host/file-watch.ts';
import type { Log } from '../log/model.ts';
import type { FollowerParts } from './follower.ts';
import type { LastGood, ReadSource } from './model.ts';
import { filePath, sourceReader } from './read-source.ts';
import { Sources } from './sources.ts';
import { StateFolder } from './state-folder.ts';

interface Place {
  readonly state: StateFolder;
  /** Of the state. */
  readonly folder: string;
  /** Of the configuration. */
  readonly lists: string;
  readonly read: ReadSource;
}

function place(env: Environment): Place {
  const folder = stateFolder(env);
  const lists = dirname(configPath(env));
  return { folder, state: new StateFolder(folder), lists, read: sourceReader(lists) };
}

/** Sources as the daemon has them, on the real network and clock, with what an earlier process knew. */
export async function openSources(
  env: Environment,
  { log, onChange }: { readonly log: Log; readonly onChange: FollowerParts['onChange'] },
): Promise<Sources> {
  const { state, folder, lists, read } = place(env);
  const { answers, problems } = await state.readAll();
  if (problems.length > 0)
    log.warn({ problems }, 'some of what names and lists meant before is lost; they are asked anew');
  return new Sources({
    read,
    memory: state,
    folder,
    restored: answers,
    clock: systemClock,
    wallNow: Date.now,
    log,
    watch: (source, changed) =>
      source.kind === 'file' ? watchFile(filePath(source, lists), changed) : () => {},
    onChange,
  });
}

/** What the running daemon last knew, for a verb that looks once. */
export async function keptAnswers(env: Environment): Promise<Answers> {
  const { answers } = await place(env).state.readAll();
  return new Map(Array.from(answers, ([key, { networks }]) => [key, networks]));
}

/**
 * Looks at each source once, and compares with what is kept.
 * @param keep whether the answers are written down, for a machine on which no daemon does.
 */
export async function lookOnce(
  sources: readonly LiveSource[],
  { env, keep }: { readonly env: Environment; readonly keep: boolean },
): Promise<readonly Look[]> {
  const { state, read } = place(env);
  const { signal } = new AbortController();
  return Promise.all(
    sources.map(async (source): Promise<Look> => {
      const key = sourceKey(source);
      const kept = await state.read(key);
      // Without what the server would compare with, so that it sends the list and the list is judged.
      const last = kept && { ...kept, validators: undefined };
      const reading = await read(source, last, signal);
      if (reading.kind !== 'answer') {
        const error = reading.kind === 'failed' ? reading.reason : undefined;
        return { source, key, good: kept, error };
      }
      const good = { networks: reading.networks, at: Date.now(), validators: reading.validators };
      // Where the folder cannot be written the next pass looks again.
      if (keep) await state.write(key, good).catch(() => {});
      return { source, key, good, error: reading.trouble };
    }),
  );
}

/** What the sources mean after these looks. */
export function answersOf(looks: readonly Look[]): Answers {
  return new Map(
    looks.flatMap(({ key, good }) => (good === undefined ? [] : [[key, good.networks] as const])),
  );
}

/** One look at one source. */
export interface Look {
  readonly source: LiveSource;
  readonly key: SourceKey;
  /** What is in force after it; undefined: it has never answered. */
  readonly good: LastGood | undefined;
  /** Why it failed. */
  readonly error: string | undefined;
}
