import { createHash } from 'node:crypto';
import type { Config } from './config.ts';

/**
 * What of the configuration is the same on every host of a fleet, or should be: who gets in. How it is logged, when passes run and where
 * the page is served may differ without anybody getting in who should not.
 */
const meaning = [
  'default',
  'interfaces',
  'mark',
  'connmark',
  'trusted',
  'deny',
  'groups',
  'services',
  'labels',
  'guard',
  'blocked',
  'maxGrant',
] as const satisfies readonly (keyof Config)[];

/**
 * Twelve hexadecimal digits that two hosts have in common when their configurations mean the same: in any order, with any comments, from
 * a file or from the environment. Names and lists count as they are written, and not by what they mean at the moment. A hash of it
 * all, so a secret in a URL cannot be read from it. Undefined while no configuration has ever been good.
 */
export function policyFingerprint(inForce: {
  readonly config: Config;
  readonly lockedDown: boolean;
}): string | undefined {
  const { config, lockedDown } = inForce;
  if (lockedDown) return undefined;
  const said = Object.fromEntries(meaning.map((key) => [key, config[key]]));
  return createHash('sha256').update(canonical(said)).digest('hex').slice(0, 12);
}

/** JSON in which neither the order of keys tells nor that of a list's entries, but for the path into a JSON list. */
function canonical(value: unknown, key?: string): string {
  if (value instanceof Map) return canonical(Object.fromEntries(value));
  if (key === 'path') return JSON.stringify(value);
  if (key === 'labels' && isTexts(value)) return canonical(mapTexts(value));
  if (Array.isArray(value))
    return `[${value
      .map((one) => canonical(one))
      .toSorted()
      .join(',')}]`;
  if (typeof value !== 'object' || value === null)
    return typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? 'null');
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${entries
    .map(([key, one]) => `${JSON.stringify(key)}:${canonical(one, key)}`)
    .toSorted()
    .join(',')}}`;
}

/** Of an entry under `services`: label names to what the labels say, with commas between. */
function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((one) => typeof one === 'string')
  );
}

function mapTexts(labels: Readonly<Record<string, string>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(labels).map(([label, text]) => [label, text.split(',').map((one) => one.trim())]),
  );
}
