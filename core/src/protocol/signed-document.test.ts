import { describe, expect, test } from 'vitest'
import { LONGEST_ORPHAN_GLOB, MOST_ORPHAN_IGNORES, orphanIgnoreMistake } from '../orphans/orphan-rules.ts'
import { signJws } from './jws.ts'
import {
  sampleCalendar,
  sampleContext,
  sampleGrant,
  sampleInterval,
  sampleKey,
  sampleOffer,
  sampleTombstone,
} from './samples.ts'
import { readDocument } from './signed-document.ts'

const key = sampleKey()
const context = sampleContext(key)
type Payload = object & { readonly typ: string }
const read = (payload: Payload) => readDocument(signJws(payload.typ, payload, key), context)

describe('a signed document', () => {
  test('of each kind is read whole', () => {
    for (const payload of [
      sampleOffer(1, { ceiling: { ...sampleOffer(1).ceiling, serviceAccount: 'deployer' } }),
      sampleTombstone(2, { approvedBy: 'ana' }),
      sampleCalendar(3, { intervals: [sampleInterval()], void: ['grant-1'] }),
      sampleGrant({ passes: [{ rule: 'freeze-1', until: 5 }] }),
    ]) {
      expect(read(payload)).toEqual({ kind: 'read', document: payload })
    }
  })

  test('may name a service account as long as Kubernetes lets one be', () => {
    const serviceAccount = `system:serviceaccount:${'n'.repeat(63)}:${'a'.repeat(253)}`
    const ceiling = { ...sampleOffer(1).ceiling, serviceAccount }
    expect(read(sampleOffer(1, { ceiling })).kind).toBe('read')
    expect(read(sampleTombstone(2, { serviceAccount })).kind).toBe('read')
  })

  const refused: Record<string, [object, string]> = {
    'for another cluster is refused': [sampleOffer(1, { cluster: 'other' }), 'OTHER_CLUSTER'],
    'of another admission is refused': [sampleOffer(1, { adm: 2 }), 'OTHER_ADMISSION'],
    'that needs a field unknown here is refused': [sampleOffer(1, { must: ['sharding'] }), 'NOT_UNDERSTOOD'],
    'that needs an inner field unknown here is refused': [
      sampleOffer(1, { must: ['options.teleport'] }),
      'NOT_UNDERSTOOD',
    ],
    'with a negative number is refused': [sampleOffer(-1), 'MALFORMED'],
    'with a number beyond 2^53 is refused': [{ ...sampleOffer(1), size: 2n ** 60n }, 'MALFORMED'],
    'with a digest that is none is refused': [{ ...sampleOffer(1), digest: 'sha256:../..' }, 'MALFORMED'],
    'whose Application id has a space is refused, because ids stand in lines': [
      sampleOffer(1, { application: { id: 'a b', name: 'a', project: 'p' } }),
      'MALFORMED',
    ],
  }
  for (const [sentence, [payload, code]] of Object.entries(refused)) {
    test(sentence, () => expect(read(payload as Payload)).toMatchObject({ kind: 'refused', code }))
  }

  test('whose inside is of another kind than its header is refused', () => {
    const disguised = signJws('offer', sampleTombstone(1, { must: [] }), key)
    expect(readDocument(disguised, context)).toMatchObject({ kind: 'refused', code: 'MALFORMED' })
  })

  test('may need fields that are known, inner ones too', () => {
    expect(read(sampleOffer(1, { must: ['options', 'options.prune', 'ceiling.namespaces'] })).kind).toBe('read')
    expect(read(sampleCalendar(1, { must: ['intervals.selfHeal'] })).kind).toBe('read')
  })

  test('carries health rules in each of their forms', () => {
    const healthRules = [
      { kind: 'example.com/A', lua: 'return nil' },
      { kind: 'example.com/B', cel: { current: 'true' } },
      { kind: 'example.com/C', data: { lines: [], otherwise: { status: 'Healthy' } } },
    ]
    expect(read({ ...sampleOffer(1), healthRules } as Payload)).toMatchObject({ document: { healthRules } })
  })

  test('is read without a health rule of a form that is not known here', () => {
    const healthRules = [{ kind: 'example.com/A', wasm: 'AGFzbQ' }]
    const unread = [{ kind: 'example.com/A', data: {} }]
    expect(read({ ...sampleOffer(1), healthRules } as Payload)).toMatchObject({ document: { healthRules: unread } })
    const none = [{ lua: 'return nil' }]
    expect(read({ ...sampleOffer(1), healthRules: none } as Payload)).toMatchObject({ kind: 'refused' })
  })

  test('carries whatever globs a Project may have for orphans', () => {
    const longest = { name: 'x'.repeat(LONGEST_ORPHAN_GLOB) }
    const orphans = { warn: true, ignore: Array.from({ length: MOST_ORPHAN_IGNORES }, () => longest) }
    expect(orphanIgnoreMistake(longest)).toBeUndefined()
    expect(read({ ...sampleOffer(1), orphans } as Payload)).toMatchObject({ document: { orphans } })
  })

  test('with words unknown here is read the strictest way', () => {
    const offer = {
      ...sampleOffer(1),
      options: { ...sampleOffer(1).options, adopt: 'Perhaps', prunePropagation: 'later' },
    }
    expect(read(offer)).toMatchObject({ document: { options: { adopt: 'Never', prunePropagation: 'orphan' } } })
    expect(read({ ...sampleTombstone(1), policy: 'explode' } as Payload)).toMatchObject({
      document: { policy: 'detach' },
    })
    expect(read({ ...sampleGrant(), trigger: 'robot' } as Payload)).toMatchObject({
      document: { trigger: 'automated' },
    })
    const interval = { ...sampleInterval(), triggers: ['robot'], blocks: ['breathing'], inFlight: 'perhaps' }
    expect(read({ ...sampleCalendar(1), intervals: [interval] } as Payload)).toMatchObject({
      document: {
        intervals: [
          {
            triggers: ['automated', 'manual', 'override', 'delete'],
            blocks: ['sync', 'prune', 'heal'],
            inFlight: 'abort',
          },
        ],
      },
    })
  })
})
