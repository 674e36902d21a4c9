import { expect, it } from 'vitest';
import { missingForBench } from '../../bench/requirements.ts';

it('the bench says what a bare machine lacks, and how to get it', () => {
  expect(missingForBench((tool) => tool !== 'ip' && tool !== 'ipset')).toBe(
    [
      'the bench cannot run here:',
      '  ip is not installed (Debian package iproute2)',
      '  ipset is not installed (Debian package ipset)',
      'apt-get update && apt-get install --no-install-recommends iproute2 ipset',
    ].join('\n'),
  );
  expect(missingForBench(() => true)).toBeUndefined();
});
