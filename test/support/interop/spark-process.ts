/**
 * Spark with Delta as one child process. It starts with the first statement, listens on loopback at most, keeps its
 * files in a folder of its own, and ends with this process however that ends: its standard input closes.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { SPARK_JARS } from './installed.ts'

const DRIVER = fileURLToPath(new URL('./spark-driver.java', import.meta.url))

/** Packages of Java's own that Spark looks into. */
const OPENED = `java.base/java.lang java.base/java.lang.invoke java.base/java.lang.reflect java.base/java.io java.base/java.net
  java.base/java.nio java.base/java.util java.base/java.util.concurrent java.base/java.util.concurrent.atomic
  java.base/jdk.internal.ref java.base/sun.nio.ch java.base/sun.nio.cs java.base/sun.security.action
  java.base/sun.util.calendar java.security.jgss/sun.security.krb5`

/** In UTC, ANSI as on Databricks; a session may change what begins with spark.sql by SET. */
const SETTINGS: Readonly<Record<string, string>> = {
  'user.timezone': 'UTC',
  'spark.master': 'local[2]',
  'spark.app.name': 'tidemark',
  'spark.ui.enabled': 'false',
  'spark.driver.host': '127.0.0.1',
  'spark.driver.bindAddress': '127.0.0.1',
  'spark.sql.extensions': 'io.delta.sql.DeltaSparkSessionExtension',
  'spark.sql.catalog.spark_catalog': 'org.apache.spark.sql.delta.catalog.DeltaCatalog',
  'spark.sql.session.timeZone': 'UTC',
  'spark.sql.ansi.enabled': 'true',
  'spark.sql.datetime.java8API.enabled': 'true',
}

/** How Spark is started. */
export interface SparkSize {
  readonly java: readonly string[]
  readonly settings: Readonly<Record<string, string>>
}

/** Tables of tests are small: one partition, and no Java compiled for each query, take half the time. */
const SMALL: SparkSize = {
  java: ['-Xmx1g', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  settings: {
    'spark.sql.shuffle.partitions': '1',
    'spark.databricks.delta.snapshotPartitions': '1',
    'spark.sql.codegen.wholeStage': 'false',
    'spark.sql.codegen.factoryMode': 'NO_CODEGEN',
  },
}

export interface SparkProcess {
  /** Give Spark one request; the answer comes through `onAnswer` under the same id. */
  send(request: { id: string; session: string; sql: string }): void
  /** Its process, started when it was not yet. */
  pid(): Promise<number | undefined>
  /** Kill it and remove its files. Does nothing when it never started. */
  stop(): Promise<void>
}

/** `onAnswer` gets every answer as it was written, with its id; `onEnd` is told when Spark ends without being stopped. */
export function sparkProcess(
  on: { answer: (id: string, line: string) => void; end: (why: string) => void },
  size: SparkSize = SMALL,
): SparkProcess {
  let started: Promise<Running> | undefined
  const running = (): Promise<Running> => (started ??= start(on, size))
  return {
    send: request => {
      running().then(
        ({ child }) => child.stdin.write(`${JSON.stringify(request)}\n`),
        (error: unknown) => on.end(String(error)),
      )
    },
    pid: async () => (await running()).child.pid,
    stop: async () => {
      if (!started) return
      const { child, folder, ended } = await started
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Running {
  child: ChildProcessByStdio<Writable, Readable, Readable>
  folder: string
  ended: Promise<void>
}

async function start(on: Parameters<typeof sparkProcess>[0], { java, settings: own }: SparkSize): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-spark-'))
  await mkdir(join(folder, 'tmp'))
  const settings = {
    ...SETTINGS,
    ...own,
    'java.io.tmpdir': join(folder, 'tmp'),
    'spark.local.dir': join(folder, 'tmp'),
    'spark.sql.warehouse.dir': join(folder, 'warehouse'),
  }
  const args = [
    ...[...java, '-Djdk.reflect.useDirectMethodHandle=false'],
    // What Java itself has to say is no answer of ours; Spark compiles more than the space that is usual for one tier.
    ...['-Xlog:disable', '-Xlog:all=warning:stderr', '-XX:ReservedCodeCacheSize=192m'],
    ...OPENED.split(/\s+/).flatMap(name => ['--add-opens', `${name}=ALL-UNNAMED`]),
    ...Object.entries(settings).map(([key, value]) => `-D${key}=${value}`),
    ...['-cp', [join(SPARK_JARS, '*')].join(delimiter), DRIVER],
  ]
  // Names of files are beyond ASCII, which Java writes in no locale of its own.
  const env = { ...process.env, LC_ALL: 'C.UTF-8', SPARK_LOCAL_IP: '127.0.0.1', JAVA_TOOL_OPTIONS: undefined }
  const child = spawn('java', args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-4000)
  })
  child.stdin.on('error', () => {})
  createInterface({ input: child.stdout }).on('line', line => {
    const { id } = JSON.parse(line) as { id?: string }
    if (id !== undefined) on.answer(id, line)
  })
  const ended = new Promise<void>(resolve => {
    child.on('error', error => {
      said += error.message
      resolve()
    })
    child.on('close', () => resolve())
  })
  void ended.then(() => on.end(`Spark ended; it said last:\n${said}`))
  return { child, folder, ended }
}
