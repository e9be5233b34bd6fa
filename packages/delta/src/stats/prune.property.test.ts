/** Pruning held to a model that knows nothing of texts: see test/support/pruning-model.ts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addFile, DOMAINS, type Domain, holds, tableOf, toPredicate, world } from '../../test/support/pruning-model.ts'
import type { Predicate } from './predicate.ts'
import { evaluate, pruneFiles } from './prune.ts'

test('no file with a matching row is left out, whatever its types, NULLs, stats, partitions, structs and names', () => {
  fc.assert(
    fc.property(world, ({ columns, files, predicate }) => {
      const adds = files.map((file, i) => addFile(columns, file, `f${i}`))
      const kept = new Set(pruneFiles(adds, tableOf(columns), toPredicate(columns, predicate)).map(f => f.path))
      const matching = files.flatMap((file, i) =>
        file.rows.some(row => holds(predicate, row) === true) ? [`f${i}`] : [],
      )
      expect(matching.filter(path => !kept.has(path))).toEqual([])
    }),
    { numRuns: 3000 },
  )
})

test('a partition is judged exactly as its rows are', () => {
  fc.assert(
    fc.property(world, ({ columns, files, predicate }) => {
      const partitioned = columns.map(one => ({ ...one, isPartition: true }))
      for (const file of files) {
        const [row = []] = file.rows
        const { partitionValues } = addFile(partitioned, { ...file, statsRows: [row] }, 'f')
        const answer = evaluate(tableOf(partitioned), toPredicate(partitioned, predicate), partitionValues)
        if (answer !== undefined) expect(answer).toBe(holds(predicate, row))
        else expect(JSON.stringify(predicate)).toContain('expression')
      }
    }),
    { numRuns: 2000 },
  )
})

test('the least that pruning must do: one value in every file leaves only the files with that value', () => {
  for (const domain of DOMAINS) {
    const columns = [{ domain, isPartition: false, isNested: false, physical: undefined }]
    const known = domain.values.flatMap(([stats], place) => (stats === undefined ? [] : [place]))
    const omitted = { min: false, max: false, nulls: false, all: false }
    const files = known.map(place => ({ rows: [[place]], statsRows: [[place]], omitted }))
    const adds = files.map((file, i) => addFile(columns, file, `f${i}`))
    for (const place of known) {
      const text = domain.values[place]?.[1] ?? ''
      const predicate: Predicate<never> = { kind: 'compare', column: ['c0'], op: '=', value: text }
      const kept = pruneFiles(adds, tableOf(columns), predicate).map(f => f.path)
      const isKept = `f${known.indexOf(place)}`
      expect(kept.filter(path => path !== isKept && !isUncertain(domain, path, known))).toEqual([])
      expect(kept).toContain(isKept)
    }
  }
})

/** A maximum that ends in U+FFFD may have been cut there. */
function isUncertain(domain: Domain, path: string, known: readonly number[]): boolean {
  const place = known[Number(path.slice(1))]
  return place !== undefined && domain.values[place]?.[0] === '"\ufffd"'
}
