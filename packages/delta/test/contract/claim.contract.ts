/**
 * What every ObjectStore with claims promises: one holder at a time, seen by the others, lost without a trace by whoever
 * sleeps. Who holds is no proof of anything, but it is never two who both can renew.
 */
import { describe, expect, test } from 'vitest'
import type { Claim, ObjectStore, Rival } from '../../src/index.ts'
import { bytes, onStore, type StoreContract, textOf } from './store.contract.ts'

export function claimContract({ name, make }: StoreContract): void {
  const withStore = onStore(make)

  describe(`${name} as keeper of claims`, () => {
    const claim = (store: ObjectStore, text: string, over?: Rival): Promise<Claim | Rival> => {
      if (store.claim === undefined) throw new Error(`${name} has no claims`)
      return store.claim('system/held', bytes(text), { leaseMs: 60_000, over })
    }
    const take = async (store: ObjectStore, text: string, over?: Rival): Promise<Claim> => {
      const claimed = await claim(store, text, over)
      if (claimed.kind === 'claim') return claimed
      throw new Error(`held by ${textOf(claimed.bytes)}`)
    }
    const meet = async (store: ObjectStore, text: string, over?: Rival): Promise<Rival> => {
      const met = await claim(store, text, over)
      if (met.kind === 'rival') return met
      throw new Error('held by nobody')
    }

    test(
      'of 10 that claim an object one gets it, and the others learn who',
      withStore(async store => {
        const outcomes = await Promise.all(Array.from({ length: 10 }, (_, i) => claim(store, `claimer ${i}`)))
        const winner = outcomes.findIndex(one => one.kind === 'claim')
        const rivals = outcomes.filter(one => one.kind === 'rival')
        expect(rivals).toHaveLength(9)
        // Who came between the claim and its words may have met what stood there before.
        expect(textOf((await meet(store, 'late')).bytes)).toBe(`claimer ${winner}`)
      }),
    )

    test(
      'what is let go is free, time after time, and a claim that is let go twice takes nothing from the next',
      withStore(async store => {
        const first = await take(store, 'first')
        await first.release()
        const second = await take(store, 'second')
        await first.release()
        expect(textOf((await meet(store, 'third')).bytes)).toBe('second')
        await second.release()
        await (await take(store, 'fourth')).release()
      }),
    )

    test(
      'a renewal shows, and keeps the object from who had seen it before',
      withStore(async store => {
        const held = await take(store, 'one')
        const before = await meet(store, 'other')
        expect(await held.renew(bytes('one again'))).toBe('kept')
        const after = await meet(store, 'other', before)
        expect(textOf(after.bytes)).toBe('one again')
        expect(after.version).not.toBe(before.version)
        expect(await held.renew(bytes('one more time'))).toBe('kept')
      }),
    )

    test(
      'of two that take over from one who is dead one gets it, and the dead one finds it lost',
      withStore(async store => {
        const dead = await take(store, 'dead')
        const seen = await meet(store, 'other')
        const heirs = await Promise.all([claim(store, 'heir 0', seen), claim(store, 'heir 1', seen)])
        expect(heirs.map(one => one.kind).sort()).toEqual(['claim', 'rival'])
        expect(await dead.renew(bytes('awake'))).toBe('lost')
        await dead.release()
        const heir = heirs.findIndex(one => one.kind === 'claim')
        expect(textOf((await meet(store, 'late')).bytes)).toBe(`heir ${heir}`)
        expect(await dead.renew(bytes('awake again'))).toBe('lost')
        const [one] = heirs.filter(found => found.kind === 'claim')
        expect(await one?.renew(bytes('heir again'))).toBe('kept')
      }),
    )

    test(
      'one whose holder vanished without a trace is free again',
      withStore(async store => {
        const held = await take(store, 'gone')
        await held.release()
        await store.delete('system/held')
        expect((await claim(store, 'next')).kind).toBe('claim')
      }),
    )

    test(
      'an aborted claim and one outside the store are refused',
      withStore(async store => {
        const signal = AbortSignal.abort()
        const options = { leaseMs: 60_000 }
        await expect(store.claim?.('system/held', bytes('x'), { ...options, signal })).rejects.toThrow()
        await expect(store.claim?.('../held', bytes('x'), options)).rejects.toMatchObject({ code: 'PATH_INVALID' })
        await (await take(store, 'next')).release()
      }),
    )
  })
}
