#!/usr/bin/env node
/**
 * Everything that is checked without running the product, in the order of how fast it answers. All checks run even
 * when one fails, so that one look shows all there is to do; exit 1 when any failed.
 */
import { spawnSync } from 'node:child_process'
import { performance } from 'node:perf_hooks'

const CHECKS = [
  { name: 'lockfile', command: 'node scripts/complete-lockfile.js --check', fix: 'node scripts/complete-lockfile.js' },
  { name: 'format', command: 'biome format', fix: 'npm run format' },
  // Before the lint, which looks the packages' types up where this puts them.
  { name: 'types', command: 'tsc -b', fix: undefined },
  { name: 'lint', command: 'oxlint --type-aware --report-unused-disable-directives', fix: undefined },
  { name: 'types of tests', command: 'tsc -p tsconfig.test.json', fix: undefined },
  { name: 'unused code', command: 'knip', fix: undefined },
  { name: 'generated files', command: 'node --conditions=source scripts/generate.ts --check', fix: 'npm run generate' },
  { name: 'package delta', command: 'publint --strict --pack false packages/delta', fix: undefined },
  { name: 'package tidemark', command: 'publint --strict --pack false packages/tidemark', fix: undefined },
]

/** Run one check and print one line; a failing check's own output follows it. */
function check({ name, command, fix }) {
  const start = performance.now()
  // The commands are our own constants: a shell finds them on PATH on every platform.
  const done = spawnSync(command, { shell: true, encoding: 'utf8' })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const passed = done.status === 0
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(18)} ${seconds.padStart(5)} s   ${command}`)
  if (passed) return true
  console.log(`${done.stdout}${done.stderr}`.trimEnd())
  if (fix !== undefined) console.log(`hint: ${fix}`)
  return false
}

const failed = CHECKS.filter(one => !check(one))
if (failed.length > 0) console.log(`check: ${failed.length} of ${CHECKS.length} failed`)
process.exitCode = failed.length > 0 ? 1 : 0
