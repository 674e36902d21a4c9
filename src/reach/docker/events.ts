import { createInterface } from 'node:readline';
import { fieldsOf } from '../../decide/inventory/fields.ts';
import type { DockerEvent } from './client.ts';

/**
 * Asked of the server, so that health checks and execs (`exec_start`, `health_status`) never arrive here.
 * `create` and `rename` for ports and names, `start`/`die`/`destroy` for state, `connect`/`disconnect` for addresses;
 * `update` for the ports of Swarm's services (managers only; a worker hears nothing of them).
 */
export const eventFilters = {
  type: ['container' as const, 'network' as const, 'service' as const],
  event: [
    'create',
    'start',
    'die',
    'destroy',
    'rename',
    'pause',
    'unpause',
    'connect',
    'disconnect',
    'remove',
    'update',
  ],
};

const wanted: ReadonlySet<string> = new Set(eventFilters.event);

/**
 * Reads Docker's event stream (one JSON object a line) to its end. A line that is not an event is passed
 * over: events are hints, and the list is the truth. So is an event that was not asked for: a proxy before the socket
 * may not hand the filters on, and a busy host has thousands of execs and health checks.
 */
export async function readEvents(
  stream: NodeJS.ReadableStream,
  onEvent: (event: DockerEvent) => void,
): Promise<void> {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  const broken = new Promise<never>((_, reject) => {
    stream.on('error', reject);
    lines.on('error', reject);
  });
  const ended = new Promise<void>((resolve) => {
    lines.on('close', resolve);
  });
  lines.on('line', (line) => {
    const event = parseEvent(line);
    if (event !== undefined && wanted.has(event.action)) onEvent(event);
  });
  try {
    await Promise.race([ended, broken]);
  } finally {
    lines.close();
  }
}

/** Type, Action and Actor are in every API version; `status`, `id` and `from` left in 1.52. */
function parseEvent(line: string): DockerEvent | undefined {
  const event = fieldsOf(parseJson(line));
  const type = event?.text('Type');
  const action = event?.text('Action');
  const id = event?.part('Actor')?.text('ID');
  return type === undefined || action === undefined || id === undefined ? undefined : { type, action, id };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
