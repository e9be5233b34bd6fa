/** Longest row that is carried, in bytes of the form in which it comes. */
export const MAX_ROW_BYTES: number = 128 * 1024 * 1024
