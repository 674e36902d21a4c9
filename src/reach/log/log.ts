import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../../decide/policy/config.ts';
import { lineText } from './line-text.ts';

/** What the log is written to. */
export interface LogOutput {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean;
}

/** pino's own way to write there: nobody who stops reading ends us (EPIPE). */
function standardOutput(): LogOutput {
  const destination = pino.destination({ dest: 1, sync: true });
  return { write: (text) => destination.write(text), isTTY: process.stdout.isTTY };
}

/** The log of the daemon: a line in plain words for people, or JSON for programs (see `logFormat`). */
export function createLog(
  { logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>,
  env: Readonly<Record<string, string | undefined>>,
  output: LogOutput = standardOutput(),
): Logger {
  // https://no-color.org: any text that is not empty
  // The variable also counts while the rest of the configuration is bad: somebody's program reads these lines.
  const said = env['DOCKWALL_LOG_FORMAT']?.trim();
  const format = said === 'json' || said === 'text' ? said : logFormat;
  const colours = output.isTTY === true && (env['NO_COLOR'] ?? '') === '';
  const lines: DestinationStream = {
    write: (line) => void output.write(format === 'json' ? line : `${lineText(line, colours)}\n`),
  };
  return pino({ level: logLevel, base: null, timestamp: stdTimeFunctions.isoTime }, lines);
}
