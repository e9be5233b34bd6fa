import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const source = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } }

/**
 * Files that run at once: one a processor. Each worker of the slow projects has database servers of its own, half a gigabyte
 * together. `--maxWorkers=1` runs one file after the other.
 */
const processors = availableParallelism()
const WORKERS = { unit: processors, promises: Math.max(2, Math.min(processors, 4)), heavy: 2 }

export default defineConfig({
  test: {
    projects: [
      {
        ...source,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/architecture/**/*.test.ts'],
          // Milliseconds each; a loaded machine is no reason to fail.
          testTimeout: 60_000,
          maxWorkers: WORKERS.unit,
        },
      },
      {
        ...source,
        test: {
          name: 'promises',
          globalSetup: ['test/support/temporary-global.ts', 'test/support/servers-global.ts'],
          include: ['test/{contract,scenarios,end-to-end,packaging}/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
          // Many start processes; a loaded machine is no reason to fail.
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: WORKERS.promises,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...source,
        test: {
          name: 'heavy',
          globalSetup: [
            'test/support/temporary-global.ts',
            'test/support/servers-global.ts',
            'test/support/interop/spark-global.ts',
          ],
          include: ['test/{faults,interop,live}/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          maxWorkers: WORKERS.heavy,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
