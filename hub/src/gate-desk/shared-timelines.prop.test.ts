import { compileRules } from '@flotilla/core/gates/compile-rules'
import { decide } from '@flotilla/core/gates/decide'
import { rulesArbitrary, START, target as sample } from '@flotilla/core/gates/testing/arbitrary-rules'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sharedTimelines } from './shared-timelines.ts'

it('names the rules that a decision at that moment names', () => {
  fc.assert(
    fc.property(
      rulesArbitrary,
      fc.array(fc.constantFrom('shop', 'bank'), { minLength: 1, maxLength: 4 }),
      (rules, projects) => {
        const compiled = compileRules(rules)
        const named = projects.map((project, index) => ({ ...sample, project, name: `${project}-${index}` }))
        const from = START
        const lines = sharedTimelines(compiled, named, from, from + 4 * 86_400_000)!
        expect(lines.flatMap(({ applications }) => applications).sort()).toEqual(named.map(({ name }) => name).sort())
        for (const target of named) {
          const { intervals } = lines.find(({ applications }) => applications.includes(target.name))!
          for (const { from: at, automated, rules: held } of intervals) {
            const { layers, allowed } = decide(compiled, target, at, { trigger: 'automated' })
            const names = allowed ? [] : layers.flatMap(({ blockers }) => blockers.map(({ rule }) => rule))
            expect([automated, [...held].sort()]).toEqual([allowed ? 'open' : 'closed', names.sort()])
          }
        }
      },
    ),
    { numRuns: 100 },
  )
})
