/** What this machine says of its processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { systemProcesses } from './system.ts'

test.runIf(process.platform === 'linux')(
  'a process that has ended is gone, whether its parent has noticed or not',
  async () => {
    // The shell starts a child and becomes a program that never asks for it.
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer]
    try {
      await vi.waitFor(() => expect(systemProcesses.identify(Number(String(pid)))).toBeUndefined(), { timeout: 20_000 })
      expect(() => process.kill(Number(String(pid)), 0)).not.toThrow()
      expect(systemProcesses.identify(parent.pid ?? 0)).toBeDefined()
    } finally {
      parent.kill('SIGKILL')
    }
  },
)
