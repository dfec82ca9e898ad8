import { describe, expect, test } from 'vitest'
import { seededRandom } from '../ports/create-random.ts'
import { decideKeyChange, type KeyChange, makeKeyChange, readKeyChange } from './agent-key.ts'
import { signingKeyFromSeed } from './ed25519.ts'
import { signJws } from './jws.ts'

const random = seededRandom(5)
const [old, next, other] = [0, 1, 2].map(() => signingKeyFromSeed(random.bytes(32)))
const CLUSTER = { id: 'c1', admission: 3, agentKey: old!.publicKey }
const CHANGE: KeyChange = {
  cluster: 'c1',
  adm: 3,
  aud: 'hub-1',
  key: next!.publicKey,
  previous: old!.publicKey,
  iat: 1,
}

describe('a change of an agent’s key', () => {
  test('is signed by the new key, and read back', () => {
    const { key: _, ...change } = CHANGE
    expect(readKeyChange(makeKeyChange(change, next!))).toEqual(CHANGE)
  })

  test('signed by another key than the one that it brings is none', () => {
    expect(readKeyChange(signJws('agent-key', CHANGE, other!))).toBeUndefined()
    expect(readKeyChange(signJws('enrolment', CHANGE, next!))).toBeUndefined()
    expect(readKeyChange('no.jws.here')).toBeUndefined()
  })

  const facts = { change: CHANGE, hubId: 'hub-1', cluster: CLUSTER, provedBy: old!.publicKey, keyIsNoGood: false }
  const after = { ...CLUSTER, agentKey: next!.publicKey, previousKey: old!.publicKey }
  const cases: Record<string, [Partial<Parameters<typeof decideKeyChange>[0]>, string]> = {
    'by the present key is taken': [{}, 'change'],
    'asked for again by the key before gets the same answer': [{ cluster: after }, 'again'],
    'asked for by the key before, for a third key, is refused': [
      { cluster: after, change: { ...CHANGE, key: other!.publicKey } },
      'refused',
    ],
    'that names another predecessor than the one that asserts is refused': [{ provedBy: other!.publicKey }, 'refused'],
    'for another cluster is refused': [{ change: { ...CHANGE, cluster: 'c2' } }, 'refused'],
    'for another admission is refused': [{ change: { ...CHANGE, adm: 2 } }, 'refused'],
    'for another hub is refused': [{ change: { ...CHANGE, aud: 'hub-2' } }, 'refused'],
    'to the same key is refused': [{ change: { ...CHANGE, key: old!.publicKey } }, 'refused'],
    'to a revoked key, or another cluster’s, is refused': [{ keyIsNoGood: true }, 'refused'],
    'of a revoked cluster is refused': [{ cluster: { ...CLUSTER, revokedAt: 1 } }, 'refused'],
    'of a clone is refused: a person says who it is': [{ cluster: { ...CLUSTER, cloned: {} } }, 'refused'],
  }
  for (const [sentence, [over, expected]] of Object.entries(cases)) {
    test(sentence, () => expect(decideKeyChange({ ...facts, ...over }).kind).toBe(expected))
  }
})
