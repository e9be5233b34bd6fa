import { expect, test } from 'vitest'
import type { TableEntry } from '../model/project.ts'
import { neededSources } from './needed-sources.ts'

const entry = (source: string, name: string | undefined): TableEntry => ({ source, name }) as TableEntry
const tables = [entry('app', 'DimUser'), entry('app', 'orders'), entry('erp', 'items'), entry('crm', 'leads')]
const needed = (...names: string[]): string[] | undefined => {
  const sources = neededSources({ tables }, names)
  return sources === undefined ? undefined : [...sources].toSorted()
}

test('the sources of the named tables, by whatever name the table goes', () => {
  expect(needed('dimuser')).toEqual(['app'])
  expect(needed('bronze.items', 'silver.DIMUSER+')).toEqual(['app', 'erp'])
})

test('all of them for a name that the list does not tell, and where nothing is named', () => {
  expect(needed('gold.sales')).toBeUndefined()
  expect(needed('items', 'nothing')).toBeUndefined()
  expect(needed()).toBeUndefined()
})

test('a source with patterns only with what follows, which may read what they bring', () => {
  const all = { tables: [...tables, entry('wild', undefined)] }
  expect([...(neededSources(all, ['items']) ?? [])]).toEqual(['erp'])
  expect([...(neededSources(all, ['DimUser', 'items+']) ?? [])].toSorted()).toEqual(['app', 'erp', 'wild'])
})
