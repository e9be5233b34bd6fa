import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { FOUND } from './test/support/releases/found.ts'

const source = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } }

/**
 * Files that run at once: one a processor, and one more where tests wait for servers, leases and other processes. Each
 * worker of the slow projects has database servers of its own, half a gigabyte together. `--maxWorkers=1` runs one file
 * after the other.
 */
const processors = availableParallelism()
const WORKERS = { unit: processors, promises: Math.min(processors + 1, 4), heavy: 3 }

/** Files that take minutes, whatever their size: one that began last would leave the processors with nothing else. */
const LONG = /\/test\/(faults|live)\/|\/interop\/(histories|scenarios-stores)\./

/** Long files first, then as vitest has it: by what they took the last time, or by size. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const group = ({ project, moduleId }: TestSpecification): number =>
      project.config.sequence.groupOrder * 2 + (LONG.test(moduleId) ? 0 : 1)
    return sorted.toSorted((a, b) => group(a) - group(b))
  }
}

/** How long is waited for what others do, a server that ends a query for one; half a minute of standstill is no reason to fail. */
const patience = { expect: { poll: { timeout: 60_000 } } }

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      {
        ...source,
        test: {
          name: 'unit',
          ...patience,
          include: ['packages/*/src/**/*.test.ts', 'test/architecture/**/*.test.ts'],
          // Milliseconds each; a loaded machine is no reason to fail.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: WORKERS.unit,
        },
      },
      {
        ...source,
        test: {
          name: 'promises',
          ...patience,
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
          ...patience,
          globalSetup: [
            'test/support/temporary-global.ts',
            'test/support/servers-global.ts',
            'test/support/interop/spark-global.ts',
          ],
          include: ['test/{faults,interop,live}/**/*.test.ts'],
          // Five minutes for the longest on two processors that other files share; half as fast is no reason to fail.
          testTimeout: 1_200_000,
          hookTimeout: 600_000,
          maxWorkers: WORKERS.heavy,
          sequence: { groupOrder: 2 },
        },
      },
      ...FOUND.map(({ name, variable, folder, include }) => ({
        ...source,
        test: {
          name,
          ...patience,
          env: { [variable]: folder },
          globalSetup: ['test/support/temporary-global.ts', 'test/support/servers-global.ts'],
          include: [...include],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: WORKERS.heavy,
          sequence: { groupOrder: 2 },
        },
      })),
    ],
  },
})
