import { describe, expect, it } from 'vitest'
import { GrantPace } from './grant-pace.ts'

const DOCUMENT = { epoch: 1, n: 7 }
const NONE: ReadonlySet<string> = new Set()

describe('GrantPace', () => {
  it('waits longer after each Grant under which nothing started, and not for another document', () => {
    const pace = new GrantPace()
    for (const [index, wait] of [1_000, 2_000, 4_000].entries()) {
      pace.given('app', { id: `g${index}`, document: DOCUMENT }, NONE, 0)
      expect(pace.waitMs('app', DOCUMENT, NONE, 0)).toBe(wait)
    }
    expect(pace.waitMs('app', { epoch: 1, n: 8 }, NONE, 0)).toBe(0)
    expect(pace.waitMs('app', DOCUMENT, new Set(['g2']), 0)).toBe(0)
  })

  it('waits whole milliseconds, so that what is left of one is waited for once', () => {
    const pace = new GrantPace()
    pace.given('app', { id: 'g', document: DOCUMENT }, NONE, 0.1)
    expect(pace.waitMs('app', DOCUMENT, NONE, 1_000)).toBe(1)
    expect(pace.waitMs('app', DOCUMENT, NONE, 1_000.0999999)).toBe(1)
    expect(pace.waitMs('app', DOCUMENT, NONE, 1_000.1)).toBe(0)
  })
})
