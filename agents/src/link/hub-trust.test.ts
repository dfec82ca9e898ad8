import { seededRandom } from '@flotilla/core/ports/create-random'
import { type SigningKey, signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { signHubKeysLink } from '@flotilla/core/protocol/hub-key-chain'
import { describe, expect, test } from 'vitest'
import { MemoryState } from '../state/memory-state.ts'
import { keepTrust, loadTrust } from './hub-trust.ts'
import type { KeptAdmission } from './identity.ts'

const HUB = '01890000-0000-7000-8000-00000000aaaa'
const random = seededRandom(1)
const keys = [0, 1, 2].map(() => signingKeyFromSeed(random.bytes(32)))
const [oldest, former, present] = keys as [SigningKey, SigningKey, SigningKey]

function link(key: SigningKey, previous?: SigningKey, hubId = HUB): string {
  const own = { typ: 'hub-keys', hubId, kid: key.kid, key: key.publicKey, iat: 1 } as const
  return signHubKeysLink({ ...own, ...(previous && { previous: previous.kid }) }, previous ?? key)
}

const CHAIN = [link(oldest), link(former, oldest), link(present, former)]

/** What an agent keeps of an admission that this key signed, with the chain that stood in it. */
function admittedBy(key: SigningKey, hubKeys: readonly string[] = CHAIN): KeptAdmission {
  const payload = { cluster: 'c', adm: 2, hubId: HUB, hubKeys }
  const known = { keys: new Map(), newestKid: present.kid, kid: key.kid }
  return { admission: { payload, ...known } } as unknown as KeptAdmission
}

const kids = (map: ReadonlyMap<string, unknown>): readonly string[] => [...map.keys()]

describe('the trust of an admission', () => {
  test('knows keys from before the one that admitted, by which what is held may be signed, and takes nothing by them', async () => {
    const trust = await loadTrust(new MemoryState(), admittedBy(present))
    expect(kids(trust.keys)).toEqual(keys.map(({ kid }) => kid))
    expect(kids(trust.accepted)).toEqual([present.kid])
  })

  test('takes what the key says that admitted, while a newer one is only announced', async () => {
    const trust = await loadTrust(new MemoryState(), admittedBy(former))
    expect(kids(trust.accepted)).toEqual([former.kid, present.kid])
  })

  test('goes on from what was learned since, and from what was proved', async () => {
    const state = new MemoryState()
    const learned = await loadTrust(state, admittedBy(oldest))
    await keepTrust(state, { ...learned, proved: present.kid })
    const again = await loadTrust(state, { ...admittedBy(oldest, CHAIN.slice(0, 1)) })
    expect(kids(again.keys)).toEqual(kids(learned.keys))
    expect(kids(again.accepted)).toEqual([present.kid])
  })

  test('does not go by a kept chain that does not lead to the key that admitted, or is another hub’s', async () => {
    const strangers = [link(former, undefined, 'another hub'), link(present, former, 'another hub')]
    for (const links of [CHAIN.slice(0, 2), strangers, ['nonsense']]) {
      const state = new MemoryState()
      await keepTrust(state, { ...(await loadTrust(state, admittedBy(present))), links })
      expect(kids((await loadTrust(state, admittedBy(present))).keys)).toEqual(keys.map(({ kid }) => kid))
    }
  })
})
