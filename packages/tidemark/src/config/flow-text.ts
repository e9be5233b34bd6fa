/** The text of a flow file, read from the project's folder. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

/**
 * The file's text without a byte-order mark; `refused` holds the system's code, such as EACCES, when it cannot be read.
 *
 * @param file relative to `root`, the project's folder
 */
export async function readFlowText(file: string, root: string): Promise<{ text: string } | { refused: string }> {
  try {
    return { text: (await readFile(resolve(root, file), 'utf8')).replace(/^\ufeff/, '') }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { refused: String(error.code) }
    throw error
  }
}
