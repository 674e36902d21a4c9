import type { ObservedTable, TableChange } from '../../diff/model.ts';
import { programOf, showSide, type Side } from '../backend.ts';
import type { Command, Run } from '../command.ts';
import { execute } from '../failure.ts';
import { parseTables } from './parse.ts';
import { renderTables } from './render.ts';

/** What every command is run with. */
export type Limits = Pick<Command, 'timeoutMs' | 'signal'>;

/** All tables of one side, in one process. Rejects with a KernelError. */
export async function saveTables(run: Run, limits: Limits, side: Side): Promise<readonly ObservedTable[]> {
  const command = { ...limits, program: programOf(side, 'save'), args: [] };
  const { stdout } = await execute(run, command, `saving the tables (${showSide(side)})`);
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
