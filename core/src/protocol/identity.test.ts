import { describe, expect, test } from 'vitest'
import { checkAssertion, checkBody, makeAssertion, readAssertion } from './assertion.ts'
import { importPublicKey } from './ed25519.ts'
import { makeEnrolment, readAdmission, readEnrolment } from './enrolment.ts'
import { signHubKeysLink, walkHubKeys } from './hub-key-chain.ts'
import { encodeJoinToken, type JoinToken, parseJoinToken } from './join-token.ts'
import { signJws } from './jws.ts'
import { sampleKey } from './samples.ts'
import { commonVersion, parseVersions } from './versions.ts'

const agent = sampleKey(3)
const hub = sampleKey(4)
const next = sampleKey(5)
const NOW = 1_000_000

describe('an assertion', () => {
  const request = {
    cluster: 'c1',
    admission: 2,
    hubId: 'h1',
    now: NOW,
    method: 'POST' as const,
    path: '/agent/v1/reports?x=1',
    body: Buffer.from('body'),
    inc: 1,
    inst: 'i1',
  }
  const key = importPublicKey(agent.publicKey)!
  const expected = { hubId: 'h1', admission: 2, now: NOW, method: 'POST', path: '/agent/v1/reports?x=1', key }
  const check = (over: Partial<typeof expected> = {}, made: Partial<typeof request> = {}) => {
    const read = readAssertion(makeAssertion({ ...request, ...made }, agent))
    return read.kind === 'read' ? (checkAssertion(read, { ...expected, ...over })?.code ?? 'holds') : read.code
  }
  const cases: Record<string, [string, Partial<typeof expected>, Partial<typeof request>?]> = {
    'holds for its own request': ['holds', {}],
    'holds when the agent is half a minute ahead': ['holds', {}, { now: NOW + 30_000 }],
    'is refused when it is further ahead': ['TIME', {}, { now: NOW + 30_001 }],
    'is refused a minute later': ['TIME', { now: NOW + 60_000 }],
    'is refused at another hub': ['AUDIENCE', { hubId: 'h2' }],
    'is refused for another path': ['REQUEST', { path: '/agent/v1/reports?x=2' }],
    'is refused for another method': ['REQUEST', { method: 'GET' }],
    'is refused under another admission': ['ADMISSION', { admission: 3 }],
    'is refused by another key': ['SIGNATURE', { key: importPublicKey(hub.publicKey)! }],
  }
  for (const [sentence, [outcome, over, made]] of Object.entries(cases)) {
    test(sentence, () => expect(check(over, made)).toBe(outcome))
  }

  test('that says it lives longer than a minute is refused', () => {
    const claims = {
      iss: 'c1',
      adm: 2,
      aud: 'h1',
      iat: NOW,
      exp: NOW + 60_001,
      htm: 'POST',
      htu: expected.path,
      inc: 1,
      inst: 'i1',
    }
    const read = readAssertion(`Flotilla-Agent ${signJws('assertion', claims, agent)}`)
    expect(read.kind === 'read' && checkAssertion(read, expected)).toMatchObject({ code: 'TIME' })
  })

  test('is for one body', () => {
    const read = readAssertion(makeAssertion(request, agent))
    if (read.kind !== 'read') throw new Error('it cannot be read')
    expect(checkBody(read.claims, Buffer.from('body'))).toBeUndefined()
    expect(checkBody(read.claims, Buffer.from('b0dy'))).toMatchObject({ code: 'BODY' })
    expect(checkBody(read.claims, undefined)).toMatchObject({ code: 'BODY' })
  })
})

describe('a join token', () => {
  const token: JoinToken = {
    hub: 'https://hub.example:8443',
    hubId: 'h1',
    kid: hub.kid,
    id: 'token-1',
    name: 'eu-1',
    expires: NOW,
    secret: new Uint8Array(32).fill(9),
  }

  test('is one word that says everything again', () => {
    const text = encodeJoinToken(token)
    expect(text).toMatch(/^flj1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/)
    const parsed = parseJoinToken(`  ${text}\n`)
    expect(parsed.kind === 'token' && { ...parsed.token, secret: [...parsed.token.secret] }).toEqual({
      ...token,
      secret: [...token.secret],
    })
  })

  const { name: _, ...nameless } = token
  const bad: Record<string, string> = {
    'cut off': encodeJoinToken(token).slice(0, -3),
    'of another kind': `flx1${encodeJoinToken(token).slice(4)}`,
    'for neither a name nor many': encodeJoinToken(nameless),
    'for both': encodeJoinToken({ ...token, pending: true }),
    'with a hub that is no URL': encodeJoinToken({ ...token, hub: 'hub.example' }),
    empty: '',
  }
  for (const [what, text] of Object.entries(bad)) {
    test(`that is ${what} is refused, without its secret in the message`, () => {
      const parsed = parseJoinToken(text)
      expect(parsed.kind).toBe('refused')
      expect(JSON.stringify(parsed)).not.toContain(Buffer.from(token.secret).toString('base64url'))
    })
  }
})

const link = (key: typeof hub, previous?: typeof hub) =>
  signHubKeysLink(
    {
      typ: 'hub-keys',
      hubId: 'h1',
      kid: key.kid,
      key: key.publicKey,
      ...(previous && { previous: previous.kid }),
      iat: 1,
    },
    previous ?? key,
  )

describe('the chain of hub keys', () => {
  test('is walked from the pinned key to the newest', () => {
    const walked = walkHubKeys([link(hub), link(next, hub)], hub.kid)
    expect(walked.kind === 'walked' && [[...walked.keys.keys()], walked.newest]).toEqual([
      [hub.kid, next.kid],
      next.kid,
    ])
  })

  const forged = signHubKeysLink(
    { typ: 'hub-keys', hubId: 'h1', kid: next.kid, key: next.publicKey, previous: hub.kid, iat: 1 },
    next,
  )
  const bad: Record<string, readonly string[]> = {
    'without the pinned key': [link(next)],
    'with a link that its predecessor did not sign': [link(hub), forged],
    'with a link of a stranger': [link(hub), link(next)],
    'with a link that leaves out its predecessor': [
      link(hub),
      signHubKeysLink({ typ: 'hub-keys', hubId: 'h1', kid: next.kid, key: next.publicKey, iat: 1 }, hub),
    ],
    'with a key under a false name': [
      signHubKeysLink({ typ: 'hub-keys', hubId: 'h1', kid: hub.kid, key: next.publicKey, iat: 1 }, next),
    ],
  }
  for (const [what, links] of Object.entries(bad)) {
    test(`${what} is refused`, () => expect(walkHubKeys(links, hub.kid).kind).toBe('refused'))
  }
})

describe('an enrolment', () => {
  const request = { aud: 'h1', token: 't1', secret: agent.publicKey, uid: 'uid-1', versions: {}, iat: NOW }

  test('proves that its sender has the key', () => {
    expect(readEnrolment(makeEnrolment(request, agent))).toEqual({ ...request, key: agent.publicKey })
    const stolen = signJws('enrolment', { ...request, key: agent.publicKey }, hub)
    expect(readEnrolment(stolen)).toBeUndefined()
  })

  const admission = (over: object = {}, key = hub) =>
    signJws(
      'admission',
      {
        typ: 'admission',
        cluster: 'c1',
        clusterName: 'eu-1',
        adm: 1,
        agentKey: agent.publicKey,
        hubId: 'h1',
        hubKeys: [link(hub), link(next, hub)],
        iat: NOW,
        ...over,
      },
      key,
    )
  const expected = { kid: hub.kid, hubId: 'h1', agentKey: agent.publicKey, name: 'eu-1' }

  test('is answered by an admission that the pinned key signed', () => {
    const reading = readAdmission(admission(), expected)
    expect(reading.kind === 'admitted' && reading.admission.newestKid).toBe(next.kid)
  })

  const bad: Record<string, string> = {
    'by another key': admission({}, sampleKey(9)),
    'by a key with a chain of its own': admission({ hubKeys: [link(sampleKey(9))] }, sampleKey(9)),
    'for another agent': admission({ agentKey: hub.publicKey }),
    'of another hub': admission({ hubId: 'h2' }),
    'for another name': admission({ clusterName: 'eu-2' }),
  }
  for (const [what, text] of Object.entries(bad)) {
    test(`is not believed ${what}`, () => expect(readAdmission(text, expected).kind).toBe('refused'))
  }
})

describe('versions', () => {
  test('the highest that both speak is used; none is none', () => {
    expect(commonVersion({ min: 1, max: 3 }, { min: 2, max: 5 })).toBe(3)
    expect(commonVersion({ min: 1, max: 1 }, { min: 2, max: 5 })).toBeUndefined()
    expect(parseVersions('2-5')).toEqual({ min: 2, max: 5 })
    for (const text of ['5-2', '1', '1-', 'a-b', '1-2-3', undefined]) expect(parseVersions(text)).toBeUndefined()
  })
})
