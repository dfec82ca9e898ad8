import { describe, expect, test } from 'vitest'
import { type WindowNow, windowVerdict } from './window-verdict.ts'

const window = (effect: 'allow' | 'deny', active: boolean, flags = ''): WindowNow => ({
  effect,
  active,
  manualSync: flags.includes('m'),
  syncOverrun: flags.includes('o'),
})
const deny = (flags?: string) => window('deny', true, flags)
const idleDeny = (flags?: string) => window('deny', false, flags)
const allow = (flags?: string) => window('allow', true, flags)
const idleAllow = (flags?: string) => window('allow', false, flags)

describe('the verdict over all windows', () => {
  test.each<[string, readonly WindowNow[], boolean, boolean]>([
    ['none: open', [], true, true],
    ['an active deny closes', [deny()], false, false],
    ['an active deny beats an active allow', [deny(), allow()], false, false],
    ['active denies that all let manual pass', [deny('m'), deny('m')], false, true],
    ['such denies: inactive allows are not looked at', [deny('m'), idleAllow()], false, true],
    ['one active deny of two takes manual away', [deny('m'), deny()], false, false],
    ['an active allow opens', [allow()], true, true],
    ['one active allow is enough', [allow(), idleAllow()], true, true],
    ['outside of every allow it is closed', [idleAllow()], false, false],
    ['inactive allows that all let manual pass', [idleAllow('m'), idleAllow('m')], false, true],
    ['one inactive allow of two takes manual away', [idleAllow('m'), idleAllow()], false, false],
    ['only inactive denies: open', [idleDeny(), idleDeny('m')], true, true],
    ['an inactive deny beside an inactive allow', [idleDeny(), idleAllow()], false, false],
  ])('%s', (_, windows, automated, manual) => {
    expect(windowVerdict(windows, false).allowed).toBe(automated)
    expect(windowVerdict(windows, true).allowed).toBe(manual)
  })

  test.each<[string, readonly WindowNow[], boolean, boolean]>([
    ['all that block let it finish, and it was allowed', [deny('o'), deny('o')], true, true],
    ['it was not allowed when it started', [deny('o')], false, false],
    ['one that blocks does not let it finish', [deny('o'), deny()], true, false],
    ['inactive allows that all let it finish', [idleAllow('o')], true, true],
    ['one of them does not', [idleAllow('o'), idleAllow()], true, false],
    ['an inactive allow says nothing beside a deny', [deny('o'), idleAllow()], true, true],
  ])('a running operation: %s', (_, windows, allowedAtStart, allowed) => {
    expect(windowVerdict(windows, false, () => allowedAtStart).allowed).toBe(allowed)
  })
})
