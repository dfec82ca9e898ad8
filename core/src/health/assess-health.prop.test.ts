import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Json, MutableJsonObject } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import { HEALTH_STATUSES } from '../model/status.ts'
import { assessHealth } from './assess-health.ts'
import { HEALTH_RULES } from './registry.ts'

const keys = HEALTH_RULES.keys.map(key => key.replaceAll('*', 'any'))

/** The words that rules look for, so that random statuses reach more than their last line. */
const WORDS = [
  'True',
  'False',
  'Unknown',
  'Ready',
  'Available',
  'Synced',
  'Progressing',
  'Running',
  'Failed',
  'Healthy',
]
const FIELDS = [
  'conditions',
  'phase',
  'state',
  'replicas',
  'observedGeneration',
  'parents',
  'listeners',
  'ancestors',
  'environments',
  'containerStatuses',
  'ingress',
  'message',
  'health',
  'type',
  'status',
  'reason',
]

const words = fc.constantFrom(...WORDS)
const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { maxDepth: 5 },
    words,
    fc.constantFrom<Json>(null, true, false, 0, 1, -1, 3.5, 2n ** 60n, '', '{}', '2/2'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom(...FIELDS), fc.constantFrom('__proto__', 'constructor', 'a')),
      tie('value'),
      {
        maxKeys: 5,
      },
    ),
  ),
})).value

const condition = fc.record(
  {
    type: words,
    status: words,
    reason: words,
    message: fc.string(),
    observedGeneration: fc.integer({ min: 0, max: 3 }),
  },
  { requiredKeys: ['type', 'status'] },
)
const status = fc.record(
  {
    conditions: fc.array(condition, { maxLength: 4 }),
    phase: words,
    state: words,
    observedGeneration: fc.integer({ min: 0, max: 3 }),
    replicas: fc.integer({ min: 0, max: 3 }),
    readyReplicas: fc.integer({ min: 0, max: 3 }),
  },
  { requiredKeys: [] },
)
const likely: fc.Arbitrary<KubernetesObject> = fc
  .record({ key: fc.constantFrom(...keys), generation: fc.integer({ min: 1, max: 3 }), status })
  .map(({ key, generation, status: said }) => ({ ...named(key), metadata: { name: 'x', generation }, status: said }))

function named(key: string): { readonly apiVersion: string; readonly kind: string } {
  const slash = key.indexOf('/')
  return slash < 0
    ? { apiVersion: 'v1', kind: key }
    : { apiVersion: `${key.slice(0, slash)}/v1`, kind: key.slice(slash + 1) }
}

it('never throws on any object, in either reading, and answers with one of the six words', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...keys, 'example.com/Thing'),
      json,
      json,
      json,
      fc.boolean(),
      (key, metadata, spec, said, strictArgo) => {
        const odd = { ...named(key), metadata, spec, status: said } as unknown as KubernetesObject
        const answer = assessHealth(odd, { strictArgo, now: 0 })
        expect([null, ...HEALTH_STATUSES]).toContain(answer?.status ?? null)
      },
    ),
    { numRuns: 3000 },
  )
})

it('never throws on something that is no object of Kubernetes at all', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('apiVersion', 'kind', 'metadata', 'status'), json), odd => {
      assessHealth(odd as unknown as KubernetesObject)
    }),
  )
})

it('is never Healthy while the status speaks of an earlier generation', () => {
  fc.assert(
    fc.property(likely, object => {
      const later = { ...object, metadata: { ...object.metadata, generation: 9 } } as KubernetesObject
      if ((object['status'] as MutableJsonObject)['observedGeneration'] === undefined) return
      expect(['Progressing', 'Unknown']).toContain(assessHealth(later)?.status)
    }),
    { numRuns: 1000 },
  )
})

it('is Progressing for whatever is being deleted', () => {
  fc.assert(
    fc.property(likely, object => {
      const deleted = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
      expect(assessHealth(deleted)).toEqual({ status: 'Progressing', message: 'Pending deletion' })
    }),
  )
})

it('has the same status however the conditions are ordered, where no type stands twice', () => {
  fc.assert(
    fc.property(likely, object => {
      const said = object['status'] as MutableJsonObject
      fc.pre(said['conditions'] !== undefined)
      const conditions = said['conditions'] as unknown as readonly { readonly type: string }[]
      fc.pre(new Set(conditions.map(({ type }) => type)).size === conditions.length)
      const reversed = { ...object, status: { ...said, conditions: conditions.toReversed() as never } }
      expect(assessHealth(reversed)?.status).toBe(assessHealth(object)?.status)
    }),
    { numRuns: 3000 },
  )
})
