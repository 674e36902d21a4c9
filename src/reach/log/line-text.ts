import { shorten } from '../../decide/net/show.ts';

/** Fields that are for programs only. */
const untold: ReadonlySet<string> = new Set([
  'level',
  'time',
  'msg',
  'change',
  'start',
  // what an engine says of itself comes with each finding about it
  'version',
  'apiVersion',
  'firewall',
  'rootless',
  'osType',
  'desktop',
  'liveRestore',
  'swarm',
]);

const longest = 1000;

/**
 * One line of pino's JSON for a person: the time of day (TZ counts), how bad it is, what happened, and what of the fields that sentence
 * does not say. Nothing in it can steer a terminal.
 */
export function lineText(json: string, colours: boolean): string {
  const line = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const sentence = String(line['msg']);
  const fields = Object.entries(line).flatMap(([name, value]) => {
    if (untold.has(name) || name === 'error') return [];
    const text = valueText(value);
    return text === '' || (typeof value === 'string' && sentence.includes(text)) ? [] : [`${name}: ${text}`];
  });
  const error = line['error'] === undefined ? '' : `: ${valueText(line['error'])}`;
  const more = fields.length === 0 ? '' : ` (${fields.join(', ')})`;
  const said = shorten(`${sentence}${error}${more}`, longest);
  return `${timeOfDay(String(line['time']))} ${severity(Number(line['level']), colours)}${said}`;
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join('; ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** @param time ISO 8601. */
function timeOfDay(time: string): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** pino's levels: 20 debug, 30 info, 40 warn, 50 error. */
function severity(level: number, colours: boolean): string {
  if (level < 30) return 'debug: ';
  if (level < 40) return '';
  const [word, colour] = level < 50 ? ['WARNING', 33] : ['ERROR', 31];
  return colours ? `\u001B[${colour}m${word}\u001B[0m ` : `${word} `;
}
