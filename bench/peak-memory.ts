/** Preloaded into a process that is measured: at its end writes its peak memory in KiB and its processor seconds to the file it is told. */
import { writeFileSync } from 'node:fs'

const file = process.env['PEAK_MEMORY_FILE']
if (file !== undefined) {
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
    writeFileSync(file, `${maxRSS} ${(userCPUTime + systemCPUTime) / 1e6}`)
  })
}
