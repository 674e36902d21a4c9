import { defineConfig } from 'vitest/config';
import { Mixed } from './order.ts';

// Four projects, one command. `lab` and `contract` need root and kernel features, `page` Chromium;
// their files say loudly what they skip where those are missing.
export default defineConfig({
  test: {
    // for all projects together: a lab waits more than half of its time, so four are at work on two cores
    maxWorkers: 4,
    sequence: { sequencer: Mixed },
    projects: [
      {
        test: {
          name: 'unit',
          testTimeout: 30_000,
          include: ['test/unit/**/*.test.ts', 'test/golden/*.test.ts'],
          setupFiles: ['test/polite.ts'],
          // one process for many files: a process for each computed as long to start as its tests took
          isolate: false,
        },
      },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          testTimeout: 300_000,
          setupFiles: ['test/polite.ts'],
        },
      },
      {
        test: { name: 'page', include: ['test/page/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
