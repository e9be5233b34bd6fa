/**
 * A vitest reporter that writes one line of JSON for every file of tests as it ends, so that a run that is cut off has
 * still said what it found. The first line names the files that are to run.
 *
 *   TIDEMARK_RESULTS=results/test.jsonl vitest run --reporter=default --reporter=./.ci/results.js
 */
import { appendFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'

/** A file may run in several projects. */
const name = ({ project, moduleId }) => `[${project.name}] ${relative('.', moduleId)}`

export default class Results {
  #file = process.env.TIDEMARK_RESULTS

  onTestRunStart(specifications) {
    const files = specifications.map(name)
    writeFileSync(this.#file, `${JSON.stringify({ files })}\n`)
  }

  onTestModuleEnd(module) {
    const count = { passed: 0, skipped: 0 }
    const failures = []
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result()
      if (state === 'failed') failures.push({ what: test.fullName, why: reasons(errors) })
      else count[state === 'passed' ? 'passed' : 'skipped'] += 1
    }
    // A file that fell outside its tests (it could not be loaded, or what comes before its tests failed).
    if (module.state() === 'failed' && failures.length === 0) failures.push({ what: '', why: outside(module) })
    const { duration } = module.diagnostic()
    appendFileSync(
      this.#file,
      `${JSON.stringify({ file: name(module), ms: Math.round(duration), ...count, failures })}\n`,
    )
  }
}

function reasons(errors) {
  return errors
    .map(({ message = '', diff = '', stack = '' }) => [message, diff, ...ownLines(stack)].join('\n'))
    .join('\n')
}

/** Where it happened in files of the project; those of the test runner are the same every time. */
function ownLines(stack) {
  return stack.split('\n').filter(line => /^ +at /.test(line) && !line.includes('node_modules'))
}

function outside(module) {
  const suites = [...module.children.allSuites()]
  return reasons([...module.errors(), ...suites.flatMap(suite => suite.errors())])
}
