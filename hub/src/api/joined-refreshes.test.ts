import { expect, it } from 'vitest'
import type { ChangedNames } from './fleet-changes.ts'
import { JoinedRefreshes } from './joined-refreshes.ts'

it('what is asked for while one is under way is read together in the next', async () => {
  const refreshes = new JoinedRefreshes()
  const begun: ChangedNames[] = []
  const ends: (() => void)[] = []
  const refresh = (names: ChangedNames) => {
    begun.push(names)
    return new Promise<void>(resolve => ends.push(resolve))
  }
  const first = refreshes.ask({ applications: ['a'] }, refresh)
  await Promise.resolve()
  const others = [
    refreshes.ask({ applications: ['b'], sets: ['s'] }, refresh),
    refreshes.ask({ applications: ['a', 'b'], clusters: ['c'] }, refresh),
  ]
  expect(begun).toEqual([{ applications: ['a'] }])
  ends[0]?.()
  await first
  await Promise.resolve()
  expect(begun.slice(1)).toEqual([{ applications: ['b', 'a'], sets: ['s'], clusters: ['c'] }])
  ends[1]?.()
  await Promise.all(others)
  expect(begun).toHaveLength(2)
})

it('one that fails is told to all who wait for it, and does not hold up the next', async () => {
  const refreshes = new JoinedRefreshes()
  const failing = async () => {
    throw new Error('the store is away')
  }
  const both = await Promise.allSettled([
    refreshes.ask({ sets: ['a'] }, failing),
    refreshes.ask({ sets: ['b'] }, failing),
  ])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(refreshes.ask({ sets: ['c'] }, async () => undefined)).resolves.toBeUndefined()
})
