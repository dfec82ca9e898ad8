import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import { describe, expect, test } from 'vitest'
import { load } from '../load.ts'

/** What is said about the strategy of a set, and whether the set is taken. */
function read(strategy: string): { readonly said: readonly string[]; readonly taken: boolean } {
  const text = `apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: web}
spec:
  strategy: ${strategy}
  generators: [{list: {elements: [{a: b}]}}]
  template: {metadata: {name: x}, spec: {project: shop, source: {repoURL: R, path: web}, destination: {name: eu-1}}}
`
  const { diagnostics, fleet } = load({ source: '', trust: { kind: 'all' }, files: [{ path: 'a.yaml', text }] })
  return { said: diagnostics.map(formatDiagnostic), taken: fleet.applicationSets.length === 1 }
}

const HELD =
  'a.yaml:5:20 FIELD_NOT_SUPPORTED_YET spec.strategy.type RollingSync is not built yet: every Application of the set will be held\n' +
  '  hint: remove spec.strategy to release all its Applications at once'
const step = (fields: string) => `{type: RollingSync, rollingSync: {steps: [{${fields}}]}}`

describe('the strategy of a set', () => {
  const table: { readonly [sentence: string]: readonly [strategy: string, said: readonly unknown[]] } = {
    'all at once needs no words': ['{type: AllAtOnce}', []],
    'nor does none': ['{}', []],
    'steps hold the set, and are told': [
      step('matchExpressions: [{key: env, operator: NotIn, values: [dev]}], maxUpdate: 25%'),
      [HELD],
    ],
    'a count and 0 are limits': [step('maxUpdate: 0'), [HELD]],
    'another operator is none of a step': [
      step('matchExpressions: [{key: a, operator: In}, {key: env, operator: Exists}]'),
      [
        HELD,
        expect.stringMatching(/INVALID_VALUE "Exists" is no operator of a step\n {2}hint: there are In and NotIn/),
      ],
    ],
    'nor is a missing one': [
      step('matchExpressions: [{key: env}]'),
      [HELD, expect.stringContaining('"" is no operator')],
    ],
    'a word is no limit, and Argo CD would take it for one': [
      step('maxUpdate: abc'),
      [HELD, expect.stringContaining('"abc" is no maxUpdate; Argo CD takes it for 1')],
    ],
    'a count in quotes neither': [step("maxUpdate: '10'"), [HELD, expect.stringContaining('takes it for 1')]],
    'a negative one would never be reached': [step('maxUpdate: -1'), [HELD, expect.stringContaining('takes it for 0')]],
    'no steps at all': ['{type: RollingSync, rollingSync: {}}', [HELD, expect.stringContaining('there are no steps')]],
    'another name counts as all at once': [
      '{type: Sometimes}',
      [expect.stringContaining('"Sometimes" is no strategy')],
    ],
  }
  for (const [sentence, [strategy, said]] of Object.entries(table)) {
    test(sentence, () => expect(read(strategy)).toEqual({ said, taken: true }))
  }
})
