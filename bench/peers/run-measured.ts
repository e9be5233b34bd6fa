/** A program run to its end, whatever it is made of: wall time, processor time of all its processes, and its peak memory. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Command {
  program: string
  args: readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
}

export interface Cost {
  seconds: number
  cpuSeconds: number
  /** Of the largest of its processes. */
  peakMiB: number
}

/** The system tells these of ended children, and Node asks for its own alone. */
const WRAPPER = `import json, resource, subprocess, sys, time
start = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if done.returncode != 0:
    sys.exit(done.stdout.decode(errors="replace")[-4000:])
print(json.dumps({"seconds": time.monotonic() - start, "cpuSeconds": used.ru_utime + used.ru_stime, "peakMiB": used.ru_maxrss / 1024}))
`

/** Run it; one that fails ends the measurement with what it printed. */
export async function runMeasured({ program, args, cwd, env }: Command): Promise<Cost> {
  const { stdout } = await promisify(execFile)('python3', ['-c', WRAPPER, program, ...args], { cwd, env })
  return JSON.parse(stdout) as Cost
}
