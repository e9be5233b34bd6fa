/** Where the values of one column begin and end in a chunk of rows. */
export interface Places {
  starts: Int32Array
  ends: Int32Array
}

/** Where a value begins that is NULL. */
export const NO_VALUE = -1
