/** Zones that differ in everything a zone can: none, summer time on either side of the ocean, quarters of an hour. */
import { execFileSync } from 'node:child_process'
import { onTestFinished } from 'vitest'
import type { MysqlDatabase } from './mariadb.ts'

export const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'] as const

/** Make this process one that runs in the zone, until the test ends. */
export function moveTo(zone: string): void {
  const before = process.env['TZ']
  onTestFinished(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
  process.env['TZ'] = zone
  const noon = new Date('2026-07-01T12:00:00Z')
  if (noon.toLocaleString() !== noon.toLocaleString(undefined, { timeZone: zone }))
    throw new Error(`this process did not move to ${zone}`)
}

/** What a clock in the zone shows, to the microsecond that the milliseconds allow. */
export function clockIn(zone: string, ms: number): string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })
  return `${format.format(ms)}.${String(((ms % 1000) + 1000) % 1000).padStart(3, '0')}`
}

/** A program of the server's own package. */
const PRINT_RULES = 'mysql_tzinfo_to_sql'

/** Teach a server the rules of the zones, which it is installed without. */
export async function teachZones(database: MysqlDatabase): Promise<void> {
  for (const zone of ZONES) {
    const rules = execFileSync(PRINT_RULES, [`/usr/share/zoneinfo/${zone}`, zone], { encoding: 'utf8' })
    // Around the rules stands what only one of the two servers understands, about its replication.
    const own = rules.split(';\n').filter(statement => /^(INSERT INTO time_zone|SET @time_zone_id)/.test(statement))
    await database.query(`USE mysql; ${own.join('; ')}; USE ${database.database}`)
  }
}
