/**
 * Adds up what the reporter `results.js` wrote into the one line that tells how many tests ran, after naming each that
 * failed with its first lines, so that the end of a long log says what broke. A file that did not come to its end counts
 * as one failure, and so does a run that wrote nothing. The longest files are named for whoever looks for time.
 *
 *   node .ci/count-tests.js results/test.jsonl results/heavy.jsonl
 */
import { existsSync, readFileSync } from 'node:fs'

const LINES_OF_A_FAILURE = 25
const LONGEST_FILES = 12
const sum = { passed: 0, failed: 0, skipped: 0 }
const ended = []

for (const results of process.argv.slice(2)) {
  if (!existsSync(results)) {
    fail(results, 'was never written')
    continue
  }
  const [{ files }, ...modules] = readFileSync(results, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  for (const { file, passed, skipped, failures } of modules) {
    sum.passed += passed
    sum.skipped += skipped
    for (const { what, why } of failures) fail(what === '' ? file : `${file} > ${what}`, why)
  }
  const seen = new Set(modules.map(({ file }) => file))
  for (const missing of files.filter(one => !seen.has(one))) fail(missing, 'did not come to its end')
  ended.push(...modules)
}
const longest = ended.sort((a, b) => b.ms - a.ms).slice(0, LONGEST_FILES)
console.log(`== longest: ${longest.map(({ file, ms }) => `${file} ${(ms / 1000).toFixed(0)} s`).join(', ')}`)
console.log(`tests: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0

function fail(what, why) {
  sum.failed += 1
  console.log(`== failed: ${what}`)
  for (const line of why.split('\n').slice(0, LINES_OF_A_FAILURE)) console.log(`   ${line}`)
}
