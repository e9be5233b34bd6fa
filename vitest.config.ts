import { defineConfig } from 'vitest/config'

const source = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } }

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
        },
      },
      {
        ...source,
        test: {
          name: 'promises',
          globalSetup: ['test/support/postgres-global.ts', 'test/support/mariadb-global.ts'],
          include: ['test/{contract,scenarios,end-to-end,packaging}/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // One after the other: a source is proved quiet only while nobody else writes on the server that all share.
          fileParallelism: false,
        },
      },
      {
        ...source,
        test: {
          name: 'heavy',
          globalSetup: [
            'test/support/postgres-global.ts',
            'test/support/mariadb-global.ts',
            'test/support/interop/spark-global.ts',
          ],
          include: ['test/{faults,interop,live}/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
