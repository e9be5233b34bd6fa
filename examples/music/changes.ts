/**
 * What happens in the music database while we watch: the ordinary life of an application, chosen so that each way of
 * losing a row happens at least once. Every statement commits by itself unless it says otherwise.
 */
import type { Client } from 'pg'

/** One thing that happened, in the words of whoever did it. */
export interface Change {
  story: string
  statements: readonly string[]
}

/**
 * Open a transaction, write, and do not commit: what a slow import or a paused job does. Its rows carry timestamps below
 * the newest ones. Calling the result commits.
 */
export async function holdTransaction(client: Client): Promise<() => Promise<void>> {
  await client.query('BEGIN')
  for (const statement of HELD.statements) await client.query(statement)
  return async () => {
    await client.query('COMMIT')
  }
}

/** Apply changes in their order, each statement in its own transaction. */
export async function applyChanges(client: Client, changes: readonly Change[]): Promise<void> {
  for (const change of changes) for (const statement of change.statements) await client.query(statement)
}

export const HELD: Change = {
  story: '40 streams and 3 users from a transaction that was open during the first run',
  statements: [
    `INSERT INTO dbo."FactStream" SELECT 20000 + n, n, n, 20250930, 100 + n, 'Mobile', timestamp '2025-09-30 02:14:58'
     FROM generate_series(1, 40) AS n`,
    `UPDATE dbo."DimUser" SET country = 'Iceland', updated_at = '2025-09-29 02:15:00' WHERE user_id IN (101, 102, 103)`,
  ],
}

export const DAY: readonly Change[] = [
  {
    story: '20 users change their plan, updated_at moves: what every recipe sees',
    statements: [
      `UPDATE dbo."DimUser" SET subscription_type = CASE subscription_type WHEN 'Premium' THEN 'Family' ELSE 'Premium' END,
       updated_at = '2025-10-02 02:15:00' WHERE user_id BETWEEN 40 AND 59`,
    ],
  },
  {
    story: '25 tracks are renamed by hand, nobody moves updated_at',
    statements: [`UPDATE dbo."DimTrack" SET track_name = track_name || ' - Live' WHERE track_id % 20 = 3`],
  },
  {
    story: '12 artists arrive with a timestamp equal to the newest one',
    statements: [
      `INSERT INTO dbo."DimArtist" SELECT 500 + n, 'Newcomer ' || n, 'Folk', 'Ireland', (SELECT max(updated_at) FROM dbo."DimArtist")
       FROM generate_series(1, 12) AS n`,
    ],
  },
  {
    story: '30 users are corrected as of mid-September: back-dated',
    statements: [
      `UPDATE dbo."DimUser" SET country = 'Canada', updated_at = '2025-09-15 12:00:00' WHERE user_id BETWEEN 200 AND 229`,
    ],
  },
  {
    story: '15 listening times are corrected, the time of the stream stays',
    statements: [
      `UPDATE dbo."FactStream" SET listen_duration = listen_duration + 5 WHERE stream_id BETWEEN 301 AND 315`,
    ],
  },
  {
    story: 'the calendar gets a day that it lacked at its beginning',
    statements: [`INSERT INTO dbo."DimDate" VALUES (20241001, '2024-10-01', 1, 10, 2024, 'Tuesday')`],
  },
  {
    story: '300 new streams, 60 of them in the newest second known so far',
    statements: [
      `INSERT INTO dbo."FactStream" SELECT 30000 + n, 1 + n % 500, 1 + n % 500, 20251002, 30 + n % 300, 'Desktop',
       CASE WHEN n <= 60 THEN (SELECT max(stream_timestamp) FROM dbo."FactStream") ELSE timestamp '2025-10-02 02:14:59' END
       FROM generate_series(1, 300) AS n`,
    ],
  },
  {
    story: 'one stream of −17 seconds: a defect of the player',
    statements: [
      `INSERT INTO dbo."FactStream" VALUES (40001, 44, 7, 20251002, -17, 'Smart Speaker', '2025-10-02 02:14:59')`,
    ],
  },
  {
    story: 'one user and two streams are deleted',
    statements: [
      `DELETE FROM dbo."DimUser" WHERE user_id = 77`,
      `DELETE FROM dbo."FactStream" WHERE stream_id IN (5, 6)`,
    ],
  },
]

/** The next day, before the accident. */
export const NEXT_DAY: readonly Change[] = [
  {
    story: 'user 44 changes the plan once more',
    statements: [
      `UPDATE dbo."DimUser" SET subscription_type = 'Free', updated_at = '2025-10-03 02:15:00' WHERE user_id = 44`,
    ],
  },
]

/** Somebody renames a table away, the ordinary accident behind many alerts, and its owners go on working. */
export const ACCIDENT: Change = {
  story: 'DimArtist becomes DimArtist_old; 8 artists change their genre there',
  statements: [
    `ALTER TABLE dbo."DimArtist" RENAME TO "DimArtist_old"`,
    `UPDATE dbo."DimArtist_old" SET genre = 'Ambient', updated_at = '2025-10-03 02:15:00' WHERE artist_id BETWEEN 11 AND 18`,
  ],
}

export const REPAIR: Change = {
  story: 'DimArtist_old becomes DimArtist again',
  statements: [`ALTER TABLE dbo."DimArtist_old" RENAME TO "DimArtist"`],
}
