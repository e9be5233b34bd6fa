/**
 * How many sessions of others are at work on the server. Where the login may not see what they do, those in a transaction
 * count: the lock on its own number that each of them holds is shown to everybody.
 */
import { type Sql, sql } from '../../engine/sql.ts'

/** Within a transaction the server shows the same activity again unless told to look anew. */
export const LOOK_ANEW: Sql = sql`SELECT pg_stat_clear_snapshot()`

/** `at_work`, and `most`, the sessions that the server allows. Readings of ours, of another run too, are not counted. */
export const WORKLOAD: Sql = sql`SELECT count(*) AS at_work, current_setting('max_connections') AS most FROM pg_stat_activity a \
WHERE a.application_name IS DISTINCT FROM 'tidemark' AND coalesce(a.backend_type, 'client backend') = 'client backend' \
AND CASE WHEN a.state IS NOT NULL THEN a.state = 'active' ELSE a.pid IN (SELECT l.pid FROM pg_locks l \
WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted) END`
