import { describe, expect, test } from 'vitest'
import { keyOf, objectKeyText } from '../model/kubernetes-object.ts'
import { OPTIONS, object, observation, ours, plan } from './plan-fixture.ts'
import { ownerOf } from './tracking.ts'

const web = object('ConfigMap', 'web')
const ofFormer = ours(web, 'former-1')
const NAME = objectKeyText(keyOf(ofFormer))

function planned(formerIds: readonly string[], adopt: 'IfUnowned' | 'Never' = 'IfUnowned') {
  const changed = { kind: 'changed', changes: ['/metadata/labels'] } as const
  const seen = observation([ofFormer], { inventory: [], predictions: { [NAME]: changed } })
  return plan([web], seen, { formerIds, options: { ...OPTIONS, adopt } }).actions.map(({ kind }) => kind)
}

describe('an object that an Application deployed under a hub whose keys are lost', () => {
  test.each([
    ['is taken along by the Application of that name', ['former-1'], ['update']],
    ['also where nothing of others may be adopted: it is its own', ['former-1'], ['update'], 'Never'],
    ['is somebody else’s for every other Application', [], ['hold']],
    ['is somebody else’s for one that was another thing before', ['former-2'], ['hold']],
  ] as const)('%s', (_sentence, formerIds, kinds, adopt?: 'Never') => {
    expect(planned(formerIds, adopt)).toEqual(kinds)
  })

  test('belongs to it by its former id alone, not by any mark', () => {
    expect(ownerOf(ofFormer, 'app-1', false, ['former-1'])).toEqual({ kind: 'ours' })
    expect(
      ownerOf({ ...ofFormer, metadata: { ...ofFormer.metadata, name: 'copy' } }, 'app-1', false, ['former-1']).kind,
    ).toBe('nobody')
  })
})
