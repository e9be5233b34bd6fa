/**
 * What a container holds below a lake's prefix, asked for page by page: objects, folders, uploads that were begun. Keys
 * become paths; a key that is no path of a store can only be somebody else's, and is passed over.
 */
import { compareBytes, isStorePath, splitStorePath, type StoredObject } from '@tidemark/delta'
import type { OpenUpload } from './blob-service.ts'
import type { Requests } from './requests.ts'

export interface PagesOptions {
  readonly requests: Requests
  /** Put before every path: empty, or with a slash at the end. */
  readonly prefix: string
  /** What a caller is told of a failure. */
  readonly explain: (error: unknown, path: string) => unknown
}

/** A page as any of the lists gives it. */
interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | undefined
}

export class Pages {
  readonly #options: PagesOptions

  constructor(options: PagesOptions) {
    this.#options = options
  }

  /** Objects below a folder, in the order of the store. `startAfter` is exclusive. */
  async *objects(folder: string, startAfter: string | undefined): AsyncGenerator<StoredObject> {
    const { requests, prefix } = this.#options
    const after = startAfter === undefined ? undefined : prefix + startAfter
    const objects = this.#items(folder, async (from, request) => {
      const page = await requests.service.listPage(prefix + from.prefix, { ...request, token: from.token, after })
      return { items: page.objects, next: page.next }
    })
    for await (const { key, size, modifiedAt } of objects) {
      const path = key.slice(prefix.length)
      if (!isStorePath(path) || (startAfter !== undefined && compareBytes(path, startAfter) <= 0)) continue
      yield { path, size, modifiedAt }
    }
  }

  /** Names of the folders directly below one, in the order of the store. */
  async *folders(folder: string): AsyncGenerator<string> {
    const { requests, prefix } = this.#options
    const names = this.#items(folder, async (from, request) => {
      const page = await requests.service.listFolders(prefix + from.prefix, { ...request, token: from.token })
      return { items: page.names, next: page.next }
    })
    for await (const name of names) if (isStorePath(name)) yield name
  }

  /** Uploads that stay until somebody gives them up. */
  async *uploads(signal: AbortSignal | undefined): AsyncGenerator<{ upload: OpenUpload; path: string }> {
    const { requests, prefix, explain } = this.#options
    let after: OpenUpload | undefined
    for (let isLast = false; !isLast; ) {
      const page = await requests
        .ask(request => requests.service.listUploads(prefix, { ...request, after }), { signal })
        .catch((error: unknown) => {
          throw explain(error, '')
        })
      for (const upload of page.uploads) {
        const path = upload.key.slice(prefix.length)
        if (upload.key.startsWith(prefix) && isStorePath(path)) yield { upload, path }
      }
      after = page.uploads.at(-1)
      isLast = page.isLast
    }
  }

  /** Every item of every page below a folder; `''` is the lake itself. */
  async *#items<Item>(
    folder: string,
    ask: (from: { prefix: string; token: string | undefined }, request: { signal: AbortSignal }) => Promise<Page<Item>>,
  ): AsyncGenerator<Item> {
    const { requests, explain } = this.#options
    const below = folder === '' ? '' : `${splitStorePath(folder).join('/')}/`
    let token: string | undefined
    do {
      const from = { prefix: below, token }
      const page: Page<Item> = await requests
        .ask(request => ask(from, request))
        .catch((error: unknown) => {
          throw explain(error, below)
        })
      yield* page.items
      token = page.next
    } while (token !== undefined)
  }
}
