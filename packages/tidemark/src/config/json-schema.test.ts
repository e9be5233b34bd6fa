import { expect, test } from 'vitest'
import { printJsonSchemas } from './json-schema.ts'

test.each(Object.entries(printJsonSchemas()))('schema/%s is what the code prints', async (file, text) => {
  await expect(text).toMatchFileSnapshot(`../../schema/${file}`)
})

test('every key of the project and of an entry is described for editors', () => {
  const schemas = printJsonSchemas()
  const project = JSON.parse(schemas['tidemark.schema.json'])
  const entry = JSON.parse(schemas['table-list.schema.json']).$defs.list.items
  const undescribed = (properties: Record<string, { description?: string }>) =>
    Object.keys(properties).filter(key => properties[key]?.description === undefined)
  expect(undescribed(project.properties)).toEqual([])
  expect(undescribed(project.properties.sources.additionalProperties.properties)).toEqual([])
  expect(undescribed(entry.properties)).toEqual([])
  expect(project.properties.targets.additionalProperties.properties.sources.required).toBeUndefined()
  expect(project.additionalProperties).toBe(false)
})
