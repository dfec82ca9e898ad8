import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Identity, TokenScope } from '@flotilla/core/ports/store'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { describe, expect, it } from 'vitest'
import { makeToken } from '../api/tokens.ts'
import { MemoryStore } from '../store/memory-store.ts'
import { silentLog } from '../store/test-store.ts'
import { Accounts } from './accounts.ts'
import { Authenticator } from './authenticator.ts'

const ANA: Identity = { kind: 'provider', subject: 'ana', claims: { groups: ['then'] } }
const SCOPES: readonly TokenScope[] = [{ projects: ['shop'] }]

function opened(accounts: readonly { readonly name: string; readonly enabled: boolean }[] = []) {
  const clock = new VirtualClock({ startAt: 1_000, settle: async () => undefined })
  const store = new MemoryStore()
  const known = accounts.map(each => ({ ...each, capabilities: ['login', 'apiKey'] as const }))
  const settings = { enabled: true, accounts: known }
  const log = silentLog
  return { store, clock, proof: new Authenticator({ store, clock, log, accounts: new Accounts(settings, clock) }) }
}

describe('who asked for something that is to be done now', () => {
  it('is, of people who signed in, who they are by now, whatever became of the session', async () => {
    const { store, proof } = opened()
    const asked = { tokenId: 'session:gone', makers: [ANA], scopes: SCOPES }
    expect((await proof.standing(asked))?.principal).toEqual({ kind: 'person', subject: 'ana', groups: ['then'] })
    const identity: Identity = { ...ANA, claims: { groups: ['now'] } }
    await store.write(rows => rows.putPerson({ id: 'provider ana', name: 'ana', identity, claimsAt: 5 }))
    expect(await proof.standing(asked)).toEqual({
      principal: { kind: 'person', subject: 'ana', groups: ['now'] },
      ceilings: [],
      scopes: SCOPES,
    })
    expect(await proof.standing({ tokenId: 'session:gone' })).toBeUndefined()
  })

  it('is nobody where an account is switched off, or a token is gone', async () => {
    const made = { tokenId: 'session:x', makers: [{ kind: 'account', account: 'ben' }] } as const
    expect(await opened([{ name: 'ben', enabled: true }]).proof.standing(made)).toBeDefined()
    expect(await opened([{ name: 'ben', enabled: false }]).proof.standing(made)).toBeUndefined()
    const { store, proof } = opened()
    const { row } = makeToken(seededRandom(1), { name: 'ci', role: 'readonly', now: 1, expiresAt: 2_000 })
    await store.write(rows => rows.putToken(row))
    expect((await proof.standing({ tokenId: row.id }))?.principal).toEqual({
      kind: 'subject',
      subject: 'role:readonly',
    })
    await store.write(rows => rows.deleteToken(row.id))
    expect(await proof.standing({ tokenId: row.id })).toBeUndefined()
  })
})

it('a token may what its makers may by now, all of them, and a row that names nobody is nobody’s', async () => {
  const { store, proof } = opened([{ name: 'ben', enabled: false }])
  const of = async (makers: readonly Identity[], role: 'admin' | 'policy') => {
    const { text, row } = makeToken(seededRandom(2), { name: 'x', role, makers, scopes: SCOPES, now: 1 })
    await store.write(rows => rows.putToken(row))
    return await proof.authenticate({ kind: 'bearer', text }, false)
  }
  const ana = { kind: 'person', subject: 'ana', groups: ['then'] }
  expect(await of([ANA], 'policy')).toMatchObject({ principal: ana, scopes: SCOPES, kind: 'robot' })
  const admin = await of([ANA], 'admin')
  expect(admin).toMatchObject({ principal: { kind: 'subject', subject: 'role:admin' }, ceilings: [ana] })
  expect(admin?.makers).toHaveLength(2)
  expect(await of([ANA, { kind: 'account', account: 'ben' }], 'admin')).toBeUndefined()
  expect(await of([], 'policy')).toBeUndefined()
})

it('that it was used is written at most once a minute', async () => {
  const { store, clock, proof } = opened()
  const { text, row } = makeToken(seededRandom(3), { name: 'ci', role: 'readonly', now: 1 })
  await store.write(rows => rows.putToken(row))
  const written = store.counters.rowsWritten
  for (let n = 0; n < 20; n++) await proof.authenticate({ kind: 'bearer', text }, false)
  await store.write(async () => undefined)
  expect(store.counters.rowsWritten - written).toBe(1)
  expect((await store.read(rows => rows.token(row.id)))?.lastUsedAt).toBe(1_000)
  await clock.advance(61_000)
  await proof.authenticate({ kind: 'bearer', text }, false)
  await store.write(async () => undefined)
  expect((await store.read(rows => rows.token(row.id)))?.lastUsedAt).toBe(62_000)
})
