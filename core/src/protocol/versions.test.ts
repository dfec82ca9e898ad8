import { describe, expect, test } from 'vitest'
import { PROTOCOL_VERSIONS, SERVED_VERSIONS, serviceFor, versionText } from './versions.ts'

describe('hub and agent agree on a version', () => {
  const served = { min: 4, max: 6, upgradeFrom: 2 }
  const cases: Record<string, { readonly header: string | undefined; readonly is: string }> = {
    'the only one that both speak': { header: '6-8', is: 'full 6' },
    'the highest that both speak': { header: '3-5', is: 'full 5' },
    'the same': { header: '4-6', is: 'full 6' },
    'one that is just too old comes for its upgrade': { header: '1-3', is: 'upgrade 3' },
    'down to the oldest that can be told so': { header: '2-2', is: 'upgrade 2' },
    'one that is older still is not understood': { header: '1-1', is: 'none' },
    'nor is one of the future': { header: '7-9', is: 'none' },
    'one that says nothing is of the first': { header: undefined, is: 'none' },
    'one that says nonsense is refused': { header: '5', is: 'none' },
    'as is a range the wrong way round': { header: '6-4', is: 'none' },
  }
  test.each(Object.entries(cases))('%s', (_, { header, is }) => {
    const service = serviceFor(served, header)
    expect(service.kind === 'none' ? 'none' : `${service.kind} ${service.version}`).toBe(is)
  })

  test('a hub serves agents of its own age in full, also those that do not say how old they are', () => {
    expect(serviceFor(SERVED_VERSIONS, versionText(PROTOCOL_VERSIONS)).kind).toBe('full')
    expect(serviceFor(SERVED_VERSIONS, undefined).kind).toBe('full')
  })

  test('an agent that is too old is told why', () => {
    expect(serviceFor(served, '1-3')).toMatchObject({ message: expect.stringContaining('1-3 and its hub 4-6') })
  })
})
