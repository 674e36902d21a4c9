import type { ObservedTable, TableChange } from '../../../decide/diff/model.ts';
import { programOf, showSide, type Side } from '../backend.ts';
import { type Command, KernelError, type Run } from '../command.ts';
import { execute } from '../failure.ts';
import { parseTables } from './parse.ts';
import { renderTables } from './render.ts';

/** What every command is run with. */
export type Limits = Pick<Command, 'timeoutMs' | 'signal'>;

/**
 * All tables of one side, in one process. Rejects with a KernelError, also where the mangle table is hidden:
 * when somebody puts a rule into it with nft that iptables has no words for, iptables-nft-save leaves the
 * whole table out and exits 0, while iptables-nft-restore still writes to it (1.8.9 to 1.8.13). A gate that
 * stands would look like none, and every pass would put up another. filter and nat may be missing: then the
 * front has no place to go.
 */
export async function saveTables(run: Run, limits: Limits, side: Side): Promise<readonly ObservedTable[]> {
  const command = { ...limits, program: programOf(side, 'save'), args: [] };
  const doing = `saving the tables (${showSide(side)})`;
  const { stdout, stderr, exitCode } = await execute(run, command, doing);
  if (/^# Table `mangle' is incompatible/m.test(stdout)) {
    const list = `nft list table ${side.family === 4 ? 'ip' : 'ip6'} mangle`;
    const message = `${doing}: iptables cannot show what the table mangle holds; somebody wrote to it with nft: see ${list}`;
    throw new KernelError(message, { code: 'rejected', command, exitCode, stderr });
  }
  return parseTables(stdout, side);
}

/** Seconds that the tools wait for the xtables lock, which Docker's calls take too. nft has no lock and ignores it. */
const lockSeconds = '5';

/**
 * The changes of one side, in one process; each table is one transaction, in the order given. Rejects with
 * a KernelError: the table at fault and those after it are then as they were, those before it are changed.
 */
export async function restoreTables(
  run: Run,
  limits: Limits,
  { side, tables }: { readonly side: Side; readonly tables: readonly TableChange[] },
): Promise<void> {
  const names = tables.map(({ table }) => table).join(' and ');
  const command: Command = {
    ...limits,
    program: programOf(side, 'restore'),
    args: ['--noflush', '-w', lockSeconds],
    input: renderTables(tables),
  };
  await execute(run, command, `restoring ${names} (${showSide(side)})`);
}
