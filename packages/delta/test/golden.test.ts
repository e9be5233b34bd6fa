/**
 * Tables that Spark wrote (see the README's list of what is refused). They lie beside the repository; where they are
 * not there, the test says so by being skipped.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isDeltaError, LocalStore, readSnapshot } from '../src/index.ts'

const GOLDEN = join(import.meta.dirname, '../../../../shared/data/delta-golden')

/**
 * What reading gives: number of files at the latest version, `none` for no table, or the refusal. The LOG_INVALID ones
 * are logs without data: their metaData lacks the required schemaString, or a relative path leaves the table.
 */
const expected: Record<string, number | string> = {
  '124-decimal-decode-bug': 2,
  '125-iterator-bug': 12,
  'basic-decimal-table': 4,
  'basic-decimal-table-legacy': 4,
  'basic-with-inserts-deletes-checkpoint': 7,
  'basic-with-inserts-merge': 1,
  'basic-with-inserts-overwrite-restore': 4,
  'basic-with-inserts-updates': 2,
  'basic-with-vacuum-protocol-check-feature': 2,
  'canonicalized-paths-normal-a': 0,
  'canonicalized-paths-normal-b': 0,
  'canonicalized-paths-special-a': 0,
  'canonicalized-paths-special-b': 0,
  checkpoint: 1,
  'corrupted-last-checkpoint-kernel': 2,
  'data-reader-absolute-paths-escaped-chars': 'LOG_INVALID',
  'data-reader-array-complex-objects': 2,
  'data-reader-array-primitives': 2,
  'data-reader-date-types-America': 2,
  'data-reader-date-types-Asia': 2,
  'data-reader-date-types-Etc': 2,
  'data-reader-date-types-Iceland': 2,
  'data-reader-date-types-Jst': 2,
  'data-reader-date-types-Pst': 2,
  'data-reader-date-types-utc': 2,
  'data-reader-escaped-chars': 3,
  'data-reader-map': 2,
  'data-reader-nested-struct': 2,
  'data-reader-nullable-field-invalid-schema-key': 2,
  'data-reader-partition-values': 3,
  'data-reader-primitives': 2,
  'data-reader-timestamp_ntz': 4,
  'data-reader-timestamp_ntz-id-mode': 4,
  'data-reader-timestamp_ntz-name-mode': 4,
  'data-skipping-basic-stats-all-types': 1,
  'data-skipping-basic-stats-all-types-checkpoint': 1,
  'data-skipping-basic-stats-all-types-columnmapping-id': 1,
  'data-skipping-basic-stats-all-types-columnmapping-name': 1,
  'data-skipping-change-stats-collected-across-versions': 3,
  'data-skipping-partition-and-data-column': 4,
  'decimal-various-scale-precision': 1,
  'delete-re-add-same-file-different-transactions': 2,
  'deltalog-commit-info': 'LOG_INVALID',
  'deltalog-getChanges': 0,
  'deltalog-invalid-protocol-version': 'FEATURE_UNSUPPORTED',
  'deltalog-state-reconstruction-from-checkpoint-missing-metadata': 'LOG_INVALID',
  'deltalog-state-reconstruction-from-checkpoint-missing-protocol': 'LOG_INVALID',
  'deltalog-state-reconstruction-without-metadata': 'LOG_INCOMPLETE',
  'deltalog-state-reconstruction-without-protocol': 'LOG_INCOMPLETE',
  'dv-partitioned-with-checkpoint': 15,
  'dv-with-columnmapping': 15,
  hive: 'none',
  'kernel-timestamp-int96': 5,
  'kernel-timestamp-pst': 5,
  'kernel-timestamp-timestamp_micros': 5,
  'kernel-timestamp-timestamp_millis': 5,
  'log-replay-dv-key-cases': 1,
  'log-replay-latest-metadata-protocol': 4,
  'log-replay-special-characters': 0,
  'log-replay-special-characters-a': 0,
  'log-replay-special-characters-b': 1,
  'multi-part-checkpoint': 10,
  'no-delta-log-folder': 'none',
  'only-checkpoint-files': 7,
  'parquet-all-types': 1,
  'parquet-all-types-legacy-format': 1,
  'parquet-decimal-dictionaries': 1,
  'parquet-decimal-dictionaries-v2': 1,
  'parquet-decimal-type': 1,
  'snapshot-data0': 2,
  'snapshot-data1': 4,
  'snapshot-data2': 2,
  'snapshot-data2-deleted': 3,
  'snapshot-data3': 4,
  'snapshot-repartitioned': 2,
  'snapshot-vacuumed': 2,
  'table-with-columnmapping-mode-id': 2,
  'table-with-columnmapping-mode-name': 2,
  'time-travel-partition-changes-a': 10,
  'time-travel-partition-changes-b': 4,
  'time-travel-schema-changes-a': 2,
  'time-travel-schema-changes-b': 4,
  'time-travel-start': 2,
  'time-travel-start-start20': 4,
  'time-travel-start-start20-start40': 6,
  'update-deleted-directory': 'LOG_INVALID',
  'v2-checkpoint-json': 4,
  'v2-checkpoint-parquet': 4,
  'versions-not-contiguous': 'LOG_INVALID',
}

test.skipIf(!existsSync(GOLDEN)).each(Object.entries(expected))('%s gives %s', async (name, outcome) => {
  const store = new LocalStore(join(GOLDEN, name))
  const seen = await readSnapshot({ store }, { tablePath: 'delta' }).then(
    snapshot => snapshot?.files.size ?? 'none',
    (error: unknown) => {
      if (isDeltaError(error)) return error.code
      throw error
    },
  )
  expect(seen).toBe(outcome)
})
