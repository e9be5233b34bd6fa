/**
 * Adds up vitest's JSON results into the one line that tells how many tests ran. A file that fell outside its tests
 * (it could not be loaded, or what comes before its tests failed) shows them as skipped, so it counts as one failure;
 * so does a result file that was never written.
 *
 *   node .ci/count-tests.js results/test.json results/heavy.json
 */
import { existsSync, readFileSync } from 'node:fs'

const sum = { passed: 0, failed: 0, skipped: 0 }
for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    sum.failed += 1
    continue
  }
  const result = JSON.parse(readFileSync(file, 'utf8'))
  const fell = result.testResults.filter(
    one => one.status === 'failed' && one.assertionResults.every(test => test.status !== 'failed'),
  )
  sum.passed += result.numPassedTests
  sum.failed += result.numFailedTests + fell.length
  sum.skipped += result.numPendingTests + (result.numTodoTests ?? 0)
}
console.log(`tests: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0
