/** One command of the product as a process of its own, measured: wall and processor time, and the most memory it held. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TIDEMARK } from './command.ts'

const PRELOAD = new URL('peak-memory.ts', import.meta.url).href

export interface Measured {
  seconds: number
  /** Of its own threads; what a database did for it is not in it. */
  cpuSeconds: number
  peakMiB: number
  /** What it printed. */
  stdout: string
}

/** Run one command in a project to its end; a command that fails ends the measurement with its report. */
export async function measure(
  args: readonly string[],
  project: string,
  env: Readonly<Record<string, string>>,
): Promise<Measured> {
  const file = join(project, 'peak-memory')
  const start = performance.now()
  const child = spawn(process.execPath, ['--import', PRELOAD, TIDEMARK, ...args], {
    cwd: project,
    env: { ...process.env, ...env, PEAK_MEMORY_FILE: file },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, report] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (report += text))
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - start) / 1000
  if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with exit code ${code ?? 'none'}\n${report}`)
  const [peakKiB = 0, cpuSeconds = 0] = (await readFile(file, 'utf8')).split(' ').map(Number)
  return { seconds, cpuSeconds, peakMiB: peakKiB / 1024, stdout }
}

/** The fastest of some tries, with the most memory that any of them held: others on the machine only make it slower. */
export async function best(tries: number, attempt: () => Promise<Measured>): Promise<Measured> {
  const measured: Measured[] = []
  for (let i = 0; i < tries; i++) measured.push(await attempt())
  return {
    seconds: Math.min(...measured.map(one => one.seconds)),
    cpuSeconds: Math.min(...measured.map(one => one.cpuSeconds)),
    peakMiB: Math.max(...measured.map(one => one.peakMiB)),
    stdout: measured[0]?.stdout ?? '',
  }
}

/** One line of a table; the rate counts rows over the wall time of the whole process. */
export function printMeasured(what: string, measured: Omit<Measured, 'stdout'>, rows?: number): void {
  const { seconds, cpuSeconds, peakMiB } = measured
  const rate = rows === undefined ? '' : Math.round(rows / seconds).toLocaleString('en')
  printCells(what, seconds.toFixed(2), cpuSeconds.toFixed(2), rate, peakMiB.toFixed(0))
}

export function printCells(what: string, ...cells: readonly string[]): void {
  process.stdout.write(`${what.padEnd(46)}${cells.map(cell => cell.padStart(12)).join('')}\n`)
}
