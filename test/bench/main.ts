import { networkInterfaces } from 'node:os';
import { boundedCases } from './bounded.ts';
import type { Case } from './case.ts';
import { manyPortCases } from './many-ports.ts';
import { memory } from './memory.ts';
import { packetCases } from './packets.ts';
import { missingForBench } from './requirements.ts';
import { changing, loading } from './sets.ts';
import { answering } from './verbs.ts';

// Promises that are ratios of two things measured in turn in this run: `npm run bench`, as root, in a network namespace of its own.
// Another one is another function here. Ends with 1 where a promise is not kept. `npm run bench -- ports verbs` plays only these parts.

// The lists stay in the kernel of this network namespace: what asks comes before.
const parts: Readonly<Record<string, readonly (() => Case | Promise<Case>)[]>> = {
  bounded: boundedCases,
  verbs: answering,
  ports: manyPortCases,
  packets: packetCases,
  lists: [loading, changing],
  memory: [memory],
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((part) => parts[part] === undefined);
if (unknown.length > 0) {
  console.error(`no part of the bench: ${unknown.join(', ')}; it has ${Object.keys(parts).join(', ')}`);
  process.exit(1);
}
const cases = Object.keys(parts)
  .filter((part) => wanted.length === 0 || wanted.includes(part))
  .flatMap((part) => parts[part] ?? []);

// in a network namespace that was just made not even loopback is up
if (Object.keys(networkInterfaces()).length > 0) {
  console.error("this is somebody's network, whose rules are not to be measured with: use npm run bench");
  process.exit(1);
}

const missing = missingForBench();
if (missing !== undefined) {
  console.error(missing);
  process.exit(1);
}

interface Result {
  readonly one: Case;
  readonly ours: number;
  readonly theirs: number;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function measure(one: Case): Promise<Result> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < one.rounds; round += 1) {
    ours.push(await one.ours());
    theirs.push(await one.theirs());
  }
  await one.close?.();
  return { one, ours: median(ours), theirs: median(theirs) };
}

function isKept({ one: { promise }, ours, theirs }: Result): boolean {
  return 'times' in promise ? ours <= promise.times * theirs : ours - theirs <= promise.more;
}

function row(result: Result): readonly string[] {
  const { one, ours, theirs } = result;
  const figure = (value: number): string => `${value.toFixed(1)} ${one.unit}`;
  const [found, most] =
    'times' in one.promise
      ? [`${(ours / theirs).toFixed(2)} x`, `${one.promise.times} x`]
      : [`+ ${figure(ours - theirs)}`, `+ ${one.promise.more} ${one.unit}`];
  return [
    one.name,
    figure(ours),
    figure(theirs),
    one.against,
    found,
    most,
    isKept(result) ? 'ok' : 'TOO MUCH',
  ];
}

const results: Result[] = [];
for (const make of cases) results.push(await measure(await make()));
const rows = [['WHAT', 'DOCKWALL', 'AGAINST', '', 'FOUND', 'AT MOST', ''], ...results.map(row)];
const widths =
  rows[0]?.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length))) ?? [];
for (const cells of rows)
  console.log(
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
process.exit(results.every(isKept) ? 0 : 1);
