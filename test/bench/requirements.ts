import { installing, notInstalled, onPath, type Tools } from '../lab/requirements.ts';

/** The kernel is real in the bench; Docker is not. */
const tools: Tools = [
  ['ip', 'iproute2'],
  ['ipset', 'ipset'],
  ['iptables-save', 'iptables'],
];

/** What keeps the bench from running on this machine, and the command that helps; undefined where nothing does. */
export function missingForBench(has: (tool: string) => boolean = onPath): string | undefined {
  const missing = tools.filter(([tool]) => !has(tool));
  if (missing.length === 0) return undefined;
  const sentences = notInstalled(missing).map((sentence) => `  ${sentence}`);
  return ['the bench cannot run here:', ...sentences, installing(missing)].join('\n');
}
