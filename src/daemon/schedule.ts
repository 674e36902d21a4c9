import { createTask, type Logger, type ScheduledTask } from 'node-cron';
import type { Log } from '../reach/log/model.ts';

/**
 * Calls back when the schedule says so, from now on. Times that passed while this process was busy, or the machine
 * asleep, are made up for by one call, as soon as it is noticed. node-cron's own words are not for our log: it writes coloured lines to
 * the standard output.
 */
export function startSchedule(expression: string, run: () => void, log: Log): ScheduledTask {
  const task = createTask(expression, run, { logger: inOurWords(log) });
  let missed = 0;
  task.on('execution:missed', () => {
    missed += 1;
    if (missed > 1) return;
    setImmediate(() => {
      log.warn({ missed }, 'the schedule is late: this process was busy, or the machine slept');
      missed = 0;
      run();
    });
  });
  void task.start();
  return task;
}

function inOurWords(log: Log): Logger {
  return {
    debug: () => {},
    info: () => {},
    warn: (message) => log.warn({ reason: message }, 'the schedule does not run as it should'),
    error: (message) => log.error({ error: String(message) }, 'the schedule failed'),
  };
}
