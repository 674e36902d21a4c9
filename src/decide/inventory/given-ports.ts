import { shortestRun } from '../net/port-run.ts';
import { type Protocol, protocols } from '../net/port.ts';
import type { GivenPort } from './docker-json.ts';
import { objectOf } from './fields.ts';

/** Host and container port in one number: a row is numbers that are this far apart. */
const step = 0x1_0001;

/**
 * `Ports` of `GET /containers/json`. Docker lists each port by itself and once for each family, 20,002 objects for a range of 10,001 and with every
 * pass: ports in a row on one address are one here, from {@link shortestRun} on. What is exposed only is left out, and so is what
 * cannot be read.
 */
export function readGivenPorts(list: readonly unknown[]): readonly GivenPort[] {
  const places = new Map<string | undefined, Map<Protocol, number[]>>();
  for (const json of list) {
    const { IP, PrivatePort, PublicPort, Type: name } = objectOf(json) ?? {};
    const Type = protocolOf(name);
    if (Type === undefined || !isPort(PrivatePort) || !isPort(PublicPort)) continue;
    const address = typeof IP === 'string' ? IP : undefined;
    const place = places.get(address) ?? new Map<Protocol, number[]>();
    places.set(address, place);
    const both = PublicPort * 0x1_0000 + PrivatePort;
    const numbers = place.get(Type);
    if (numbers === undefined) place.set(Type, [both]);
    else numbers.push(both);
  }
  return [...places].flatMap(([IP, place]) =>
    [...place].flatMap(([Type, numbers]) => rowsOf(numbers).map((row) => ({ IP, Type, ...row }))),
  );
}

type Row = Pick<GivenPort, 'PrivatePort' | 'PublicPort' | 'count'>;

function rowsOf(numbers: number[]): readonly Row[] {
  numbers.sort((a, b) => a - b);
  const rows: Row[] = [];
  for (let at = 0, end = 0; at < numbers.length; at = end) {
    const first = numbers[at] ?? 0;
    end = at + 1;
    while (numbers[end] === first + (end - at) * step) end += 1;
    const count = end - at;
    if (count >= shortestRun) rows.push({ ...portsOf(first), count });
    else for (let one = 0; one < count; one += 1) rows.push(portsOf(first + one * step));
  }
  return rows;
}

function portsOf(both: number): { readonly PrivatePort: number; readonly PublicPort: number } {
  return { PrivatePort: both % 0x1_0000, PublicPort: Math.floor(both / 0x1_0000) };
}

/** In any case, as Docker takes it. */
export function protocolOf(name: unknown): Protocol | undefined {
  const known = protocols.find((protocol) => protocol === name);
  if (known !== undefined || typeof name !== 'string') return known;
  const lower = name.toLowerCase();
  return protocols.find((protocol) => protocol === lower);
}

export function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
}
