import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { terminalConfirm } from './confirm.ts'

const stream = (isTTY: boolean): PassThrough & { isTTY: boolean } => Object.assign(new PassThrough(), { isTTY })

test('only where there is a terminal on both sides is anybody asked', () => {
  expect(terminalConfirm(stream(false), stream(true))).toBeUndefined()
  expect(terminalConfirm(stream(true), stream(false))).toBeUndefined()
})

test.each([
  ['y\n', true],
  [' YES \n', true],
  ['\n', false],
  ['yeah\n', false],
  // Ctrl-C, and the end of the input.
  ['\u0003', false],
  [undefined, false],
])('%j is answered by %s', async (typed, meant) => {
  const [input, output] = [stream(true), stream(true)]
  const answer = terminalConfirm(input, output)?.('Go on?', new AbortController().signal)
  if (typed === undefined) input.end()
  else input.write(typed)
  expect(await answer).toBe(meant)
  expect(String(output.read())).toContain('Go on? [y/N] ')
})

test('a run that is stopped meanwhile ends with its reason', async () => {
  const abort = new AbortController()
  const answer = terminalConfirm(stream(true), stream(true))?.('Go on?', abort.signal)
  abort.abort()
  await expect(answer).rejects.toThrow()
})
