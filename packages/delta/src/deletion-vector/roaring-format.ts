/**
 * The fixed numbers of a deletion vector's bytes: its own magic number, and those of the roaring format specification.
 */

/** First four bytes of a vector in the portable format. */
export const PORTABLE_MAGIC = 1681511377

/** First four bytes of the format of early writers, which nobody specified. */
export const NATIVE_MAGIC = 1681511376

/** Cookie of a bitmap without runs; the number of containers follows. */
export const PLAIN_COOKIE = 12346

/** Lower half of the cookie of a bitmap with runs; the upper half is the number of containers less one. */
export const RUN_COOKIE = 12347

/** A bitmap with runs has a list of offsets from this number of containers on; one without always has. */
export const OFFSETS_FROM = 4

/** Container keys of one bucket: the upper 32 bits of a row are its bucket, the next 16 its container. */
export const BUCKET_KEYS = 0x10000
