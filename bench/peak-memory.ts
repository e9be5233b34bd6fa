/** Preloaded into a process that is measured: at its end writes its own peak memory, in KiB, to the file it is told. */
import { writeFileSync } from 'node:fs'

const file = process.env['PEAK_MEMORY_FILE']
if (file !== undefined) process.on('exit', () => writeFileSync(file, String(process.resourceUsage().maxRSS)))
