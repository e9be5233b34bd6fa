/**
 * Adds up vitest's JSON results into the one line that tells how many tests ran, after naming each that failed with
 * its first lines, so that the end of a long log says what broke. A file that fell outside its tests (it could not be
 * loaded, or what comes before its tests failed) shows them as skipped, so it counts as one failure; so does a result
 * file that was never written.
 *
 *   node .ci/count-tests.js results/test.json results/heavy.json
 */
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'

const LINES_OF_A_FAILURE = 25
const sum = { passed: 0, failed: 0, skipped: 0 }

for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    fail(file, 'was never written')
    continue
  }
  const result = JSON.parse(readFileSync(file, 'utf8'))
  sum.passed += result.numPassedTests
  sum.skipped += result.numPendingTests + (result.numTodoTests ?? 0)
  for (const suite of result.testResults) {
    const failed = suite.assertionResults.filter(test => test.status === 'failed')
    const name = relative('.', suite.name)
    for (const test of failed) fail(`${name} > ${test.fullName}`, (test.failureMessages ?? []).join('\n'))
    if (suite.status === 'failed' && failed.length === 0) fail(name, suite.message ?? '')
  }
}
console.log(`tests: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0

function fail(what, why) {
  sum.failed += 1
  console.log(`== failed: ${what}`)
  for (const line of why.split('\n').slice(0, LINES_OF_A_FAILURE)) console.log(`   ${line}`)
}
