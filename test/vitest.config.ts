import { defineConfig } from 'vitest/config';

// Four projects, one command. `lab` and `contract` need root and kernel features, `page` Chromium;
// their files say loudly what they skip where those are missing.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          testTimeout: 30_000,
          include: ['test/unit/**/*.test.ts', 'test/golden/*.test.ts'],
        },
      },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 180_000 } },
      {
        test: { name: 'page', include: ['test/page/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
