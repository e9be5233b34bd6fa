/** What a reader saw, against what is there in the end: rows lost, rows left in an older version, versions seen twice. */

export interface Seen {
  id: string
  version: string
}

export interface Outcome {
  rows: number
  /** Rows that never came. */
  lost: number
  /** Rows whose last version never came. */
  stale: number
  /** Versions that came more than once. */
  doubled: number
}

export class Account {
  readonly #versions = new Map<string, number>()
  readonly #times = new Map<string, number>()

  add(rows: readonly Seen[]): void {
    for (const { id, version } of rows) {
      this.#versions.set(id, Math.max(this.#versions.get(id) ?? 0, Number(version)))
      const key = `${id} ${version}`
      this.#times.set(key, (this.#times.get(key) ?? 0) + 1)
    }
  }

  /** True when this very version was added before. */
  knows({ id, version }: Seen): boolean {
    return this.#times.has(`${id} ${version}`)
  }

  settle(source: readonly Seen[]): Outcome {
    const lost = source.filter(({ id }) => !this.#versions.has(id)).length
    const stale = source.filter(({ id, version }) => (this.#versions.get(id) ?? Infinity) < Number(version)).length
    const doubled = [...this.#times.values()].filter(times => times > 1).length
    return { rows: source.length, lost, stale, doubled }
  }
}
