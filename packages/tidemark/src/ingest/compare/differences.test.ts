import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { LocalStore } from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdb } from '../../engine/duckdb.ts'
import type { Engine } from '../../engine/engine.ts'
import { ident, integer, join, type Sql, sql, text } from '../../engine/sql.ts'
import { ChosenRows, findDifferences } from './differences.ts'
import { type ComparedColumn, type Shape, shaped } from './shape.ts'
import { hashed, Sums } from './sums.ts'

let engine: Engine
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'tidemark-compare-'))
  const ids = { uuid: () => 'no-uuid', runId: () => 'no-run' }
  engine = openDuckdb({ store: new LocalStore(folder), ids, scratch: folder, folders: [folder] })
})
afterAll(async () => {
  await engine.close()
  await rm(folder, { recursive: true, force: true })
})

const never = new AbortController().signal
const own = (name: string): ComparedColumn => ({ name, source: ident(name), target: ident(name) })
const shape: Shape = { keys: ['region', 'no'].map(own), values: [own('said')], cursor: undefined }

type Rows = Map<string, string | null>

const rows = fc
  .array(
    fc.tuple(fc.constantFrom('a', 'b', ''), fc.integer({ min: 0, max: 40 }), fc.option(fc.constantFrom('x', 'y', ''))),
  )
  .map((list): Rows => new Map(list.map(([region, no, said]) => [`${region}/${no}`, said])))

function relation(side: Rows): Sql {
  const values = [...side].map(([key, said]) => {
    const [region = '', no = ''] = key.split('/')
    return sql`(${text(region)}, ${integer(Number(no))}, ${said === null ? sql`CAST(NULL AS VARCHAR)` : text(said)})`
  })
  if (values.length === 0) return sql`(SELECT '' AS region, 0 AS no, '' AS said WHERE false)`
  return sql`(SELECT * FROM (VALUES ${join(values)}) AS r(region, no, said))`
}

function expected(source: Rows, target: Rows): string[] {
  const all = [...new Set([...source.keys(), ...target.keys()])]
  return all
    .flatMap(key => {
      if (!target.has(key)) return [`missing ${key}`]
      if (!source.has(key)) return [`extra ${key}`]
      return source.get(key) === target.get(key) ? [] : [`changed ${key}`]
    })
    .toSorted()
}

test('the differing ranges hold exactly the keys that differ, whatever the parts in which the sides were read', async () => {
  await fc.assert(
    fc.asyncProperty(rows, rows, fc.integer({ min: 0, max: 40 }), async (source, target, cut) => {
      await using session = await engine.session()
      const sides = { source: new Sums(session, shape, never), target: new Sums(session, shape, never) }
      const parts = [sql`no <= ${integer(cut)}`, sql`no > ${integer(cut)}`].map(
        condition => sql`(SELECT * FROM ${relation(source)} WHERE ${condition})`,
      )
      for (const part of parts) await sides.source.add(hashed(shape, shaped(shape, 'source', part)), 'nobody')
      await sides.target.add(hashed(shape, shaped(shape, 'target', relation(target))), 'nobody')
      const ranges = await sides.source.differing(sides.target)
      expect(ranges.count === 0n).toBe(expected(source, target).length === 0)
      const chosen = { source: new ChosenRows(session, shape, never), target: new ChosenRows(session, shape, never) }
      for (const part of parts) await chosen.source.add(shaped(shape, 'source', part), { apart: 'nobody', ranges })
      await chosen.target.add(shaped(shape, 'target', relation(target)), { apart: 'nobody', ranges })
      const found = await findDifferences(session, shape, {
        ranges,
        source: chosen.source.table,
        target: slice => slice.target,
        chosen: chosen.target.table,
        signal: never,
      })
      const told = await session.rows(sql`SELECT kind || ' ' || k0 || '/' || k1 AS told FROM ${found}`)
      expect(told.map(row => String(row['told'])).toSorted()).toEqual(expected(source, target))
    }),
    { numRuns: 40 },
  )
})
