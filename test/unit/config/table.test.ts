import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { docs } from '../../../src/reach/config/docs.ts';
import { configKeys, configShape } from '../../../src/reach/config/schema.ts';
import { serviceShape } from '../../../src/reach/config/services.ts';
import { configurationReference } from '../../../src/reach/config/table.ts';

const path = new URL('../../../docs/configuration.md', import.meta.url);

test('docs/configuration.md is what the schemas say (UPDATE_DOCS=1 writes it)', async () => {
  const reference = configurationReference();
  if (process.env['UPDATE_DOCS'] === '1') await writeFile(path, reference);
  expect(await readFile(path, 'utf8')).toBe(reference);
});

test('every key has a description', () => {
  const shape = configShape([]);
  for (const schema of [...configKeys.map((key) => shape[key]), ...Object.values(serviceShape)]) {
    expect(docs.get(schema)).toMatchObject({
      type: expect.stringMatching(/./u),
      meaning: expect.stringMatching(/\.$/u),
    });
  }
});
