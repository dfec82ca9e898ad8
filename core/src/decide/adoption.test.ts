import { describe, expect, it } from 'vitest'
import { type AdoptionVerdict, adoptionHold, approvedTools, scopeOf, withVerdict } from './adoption.ts'

const verdict = (change: Partial<AdoptionVerdict>): AdoptionVerdict => ({
  scope: { kind: 'set', name: 'platform/shop' },
  verdict: 'approved',
  tools: ['argocd'],
  by: 'ana',
  at: 1,
  reason: '',
  ...change,
})
const WEB = { name: 'web-eu-1', project: 'shop', set: 'platform/shop' }

describe('approvedTools', () => {
  it.each<[string, readonly AdoptionVerdict[], readonly string[]]>([
    ['nobody has said anything', [], []],
    ['of its set', [verdict({})], ['argocd']],
    [
      'of its Project, for other tools too',
      [verdict({ scope: { kind: 'project', name: 'shop' }, tools: ['helm', 'flux'] })],
      ['flux', 'helm'],
    ],
    ['of the Application alone', [verdict({ scope: { kind: 'application', name: 'web-eu-1' } })], ['argocd']],
    ['a refusal approves nothing', [verdict({ verdict: 'rejected' })], []],
    ['another set', [verdict({ scope: { kind: 'set', name: 'platform/other' } })], []],
    [
      'several add up',
      [verdict({}), verdict({ scope: { kind: 'project', name: 'shop' }, tools: ['helm'] })],
      ['argocd', 'helm'],
    ],
  ])('%s', (_sentence, verdicts, tools) => {
    expect(approvedTools(verdicts, WEB)).toEqual(tools)
  })

  it('the latest verdict of a scope counts', () => {
    const later = withVerdict([verdict({})], verdict({ verdict: 'rejected', at: 2 }))
    expect(approvedTools(later, WEB)).toEqual([])
    expect(later).toHaveLength(1)
  })
})

describe('adoptionHold', () => {
  it('says how many objects of which tools wait', () => {
    const reported = [
      { tool: 'argocd', count: 214 },
      { tool: 'helm', count: 1 },
    ] as const
    expect(adoptionHold(reported)?.reason).toContain('would adopt 214 objects tracked by Argo CD and 1 by Helm;')
    expect(adoptionHold(reported, ['argocd'])?.reason).toContain('would adopt 1 object tracked by Helm;')
    expect(adoptionHold(reported, ['argocd', 'helm'])).toBeUndefined()
    expect(adoptionHold()).toBeUndefined()
  })
})

describe('scopeOf', () => {
  it('is the set as a whole, or the Application that no set made', () => {
    expect(scopeOf(WEB)).toEqual({ kind: 'set', name: 'platform/shop' })
    expect(scopeOf({ name: 'web', project: 'shop' })).toEqual({ kind: 'application', name: 'web' })
  })
})
