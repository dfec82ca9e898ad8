import { seededRandom } from '@flotilla/core/ports/create-random'
import type { HubRequest, MessageSocket } from '@flotilla/core/ports/hub-transport'
import type { ClusterRow } from '@flotilla/core/ports/store'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { makeAssertion, makeHelloProof } from '@flotilla/core/protocol/assertion'
import { signingKeyFromSeed } from '@flotilla/core/protocol/ed25519'
import { makeEnrolment } from '@flotilla/core/protocol/enrolment'
import { decodeHubFrame, type HubFrame } from '@flotilla/core/protocol/frames'
import { parseJoinToken } from '@flotilla/core/protocol/join-token'
import { DEFAULT_GATEWAY_LIMITS, type GatewayLimits } from '@flotilla/hub/gateway/limits'
import { describe, expect, test } from 'vitest'
import { InProcessTransport } from './in-process-transport.ts'
import { smallAgent } from './small-agent.ts'
import { configMap, SmallHub } from './small-hub.ts'

const random = seededRandom(21)

function newHub(limits: Partial<GatewayLimits> = {}) {
  const clock = new VirtualClock({
    startAt: Date.UTC(2030, 0, 1),
    settle: () => new Promise(resolve => setImmediate(resolve)),
  })
  return { clock, hub: new SmallHub({ clock, random, limits }) }
}

/** An agent that is played by hand, on a socket that can stop reading. */
async function byHand(limits: Partial<GatewayLimits> = {}) {
  const { clock, hub } = newHub(limits)
  const key = signingKeyFromSeed(random.bytes(32))
  const parsed = parseJoinToken(await hub.joinToken('eu-1'))
  if (parsed.kind === 'refused') throw new Error(parsed.message)
  const { id, secret } = parsed.token
  const enrolment = {
    aud: hub.keys.hubId,
    token: id,
    secret: Buffer.from(secret).toString('base64url'),
    uid: 'u',
    versions: {},
  }
  const body = Buffer.from(makeEnrolment({ ...enrolment, iat: clock.now() }, key))
  await hub.gateway.handle({ method: 'POST', path: '/agent/v1/enrol', headers: {}, body, remoteAddress: 'x' })
  const cluster = await hub.clusterId('eu-1')
  const identity = { hubId: hub.keys.hubId, inc: 1, inst: 'i' }
  const request = (path: string): HubRequest & { remoteAddress: string } => {
    const authorization = makeAssertion(
      { ...identity, cluster, admission: 1, now: clock.now(), method: 'GET', path },
      key,
    )
    return { method: 'GET', path, headers: { authorization }, remoteAddress: 'x' }
  }
  const received: HubFrame[] = []
  const socket = {
    reads: true,
    waiting: 0,
    closed: undefined as number | undefined,
    say: (_text: string): void => undefined,
  }
  const end: MessageSocket = {
    send: text => {
      if (!socket.reads) socket.waiting += text.length
      const decoded = decodeHubFrame(text)
      if (decoded.kind === 'decoded') received.push(decoded.value)
    },
    get bufferedBytes() {
      return socket.waiting
    },
    onMessage: listener => {
      socket.say = listener
    },
    onClose: () => undefined,
    close: code => {
      socket.closed = code
    },
  }
  const connect = async (meanwhile = async (): Promise<unknown> => undefined): Promise<void> => {
    await hub.gateway.accept(request('/agent/v1/connect'), end)
    await clock.advance(0)
    await meanwhile()
    const [first] = received
    if (first?.kind !== 'nonce') throw new Error('the first frame is a nonce')
    const proof = makeHelloProof(
      { iss: cluster, adm: 1, aud: hub.keys.hubId, nonce: first.nonce, inc: 1, inst: 'i' },
      key,
    )
    socket.say(JSON.stringify({ kind: 'hello', proof, versions: {} }))
    await clock.advance(0)
  }
  return { clock, hub, socket, received, connect, request, cluster }
}

describe('a hub and its limits', () => {
  test('a socket that does not read is cut at the limit, which is 4 MiB unless set', async () => {
    expect(DEFAULT_GATEWAY_LIMITS.slowReaderBytes).toBe(4 * 1024 * 1024)
    const slowReaderBytes = 64 * 1024
    const { hub, socket, connect, cluster, clock } = await byHand({ slowReaderBytes })
    await connect()
    expect(hub.gateway.connections().length).toBe(1)
    socket.reads = false
    for (let frame = 0; frame < 200_000 && socket.closed === undefined; frame++) {
      hub.gateway.changed([cluster])
      if (frame % 100 === 0) await clock.advance(0)
    }
    expect(socket.closed).toBe(4413)
    expect(socket.waiting).toBeLessThan(slowReaderBytes + 1000)
    expect(hub.gateway.connections()).toEqual([])
  })

  const MEANWHILE: { readonly [sentence: string]: (row: ClusterRow) => ClusterRow } = {
    'was revoked': row => ({ ...row, revokedAt: 1 }),
    'was admitted anew': row => ({ ...row, admission: 2 }),
    'was overtaken by a later start': row => ({ ...row, incarnation: 2, instance: 'another' }),
  }
  for (const [sentence, change] of Object.entries(MEANWHILE)) {
    test(`an agent that ${sentence} between its request and its hello is not heard`, async () => {
      const { hub, socket, connect, cluster } = await byHand()
      await connect(() =>
        hub.store.write(async rows => {
          const row = await rows.cluster(cluster)
          if (row) await rows.putCluster(change(row))
        }),
      )
      expect(socket.closed).toBe(4401)
      expect(hub.gateway.connections()).toEqual([])
    })
  }

  test('frames that cannot be read fill no log', async () => {
    const { hub, socket, connect, received, clock } = await byHand()
    await connect()
    for (let frame = 0; frame < 300; frame++) {
      socket.say('{"kind":"nonsense"}')
      if (frame % 10 === 0) await clock.advance(0)
    }
    await clock.advance(0)
    expect(received.filter(({ kind }) => kind === 'error').length).toBe(300)
    expect(hub.log.complaints().length).toBe(20)
  })

  test('a socket that says nothing is closed: ten seconds without a hello, later when it falls silent', async () => {
    const silent = await byHand()
    await silent.hub.gateway.accept(silent.request('/agent/v1/connect'), {
      ...silent.socket,
      send() {},
      bufferedBytes: 0,
      onMessage() {},
      onClose() {},
      close: code => {
        silent.socket.closed = code
      },
    })
    await silent.clock.advance(9_999)
    expect(silent.socket.closed).toBeUndefined()
    await silent.clock.advance(1)
    expect(silent.socket.closed).toBe(4408)
    const fell = await byHand()
    await fell.connect()
    fell.clock.step(24 * 60 * 60_000)
    await fell.clock.advance(60_000)
    expect(fell.socket.closed).toBeUndefined()
    await fell.clock.advance(100_000)
    expect(fell.socket.closed).toBe(4408)
  })

  test('whole exchanges beyond the limit are given a time instead of an answer', async () => {
    const { hub, request } = await byHand({ maxExchanges: 3 })
    expect((await hub.gateway.handle(request('/agent/v1/documents'))).status).toBe(200)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => hub.gateway.handle(request('/agent/v1/documents'))),
    )
    const busy = answers.filter(answer => answer.status === 503)
    expect(answers.filter(answer => answer.status === 200).length).toBeGreaterThanOrEqual(3)
    expect(busy.length).toBeGreaterThan(0)
    for (const answer of busy) expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect((await hub.gateway.handle(request('/agent/v1/documents'))).status).toBe(200)
  })

  test('a store that fails answers 503 and a time, and the agent comes through when it works again', async () => {
    const { hub, request } = await byHand()
    const read = hub.store.read.bind(hub.store)
    hub.store.read = async () => await Promise.reject(new Error('the disk is away'))
    const answer = await hub.gateway.handle(request('/agent/v1/documents'))
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '5'])
    hub.store.read = read
    expect((await hub.gateway.handle(request('/agent/v1/documents'))).status).toBe(200)
  })

  test('many documents come in pages, the calendar first, and each once', async () => {
    const { clock, hub } = newHub({ pageDocuments: 7 })
    const sizes: number[] = []
    const transport = new InProcessTransport({
      gateway: () => hub.gateway,
      clock,
      random,
      onMessage: ({ what, bytes }) => void (what.startsWith('200 /agent/v1/documents') && sizes.push(bytes)),
    })
    const agent = smallAgent({ transport, clock, random, joinToken: await hub.joinToken('eu-1') })
    await agent.link.start()
    await clock.advance(1000)
    await agent.link.stop()
    for (let n = 0; n < 40; n++) await hub.offer('eu-1', `app-${n}`, [configMap(`c-${n}`)])
    sizes.length = 0
    const again = smallAgent({ transport, clock, random, state: agent.state })
    let first: number | undefined
    again.link.onChange(() => {
      if (again.link.held().size > 0) first ??= again.link.calendar()?.number.n
    })
    await again.link.start()
    await clock.advance(1000)
    expect(again.link.held().size).toBe(40)
    expect(first).toBeDefined()
    expect(sizes.length).toBe(6)
    await again.link.stop()
  })

  test('an Offer that was decided with a newer calendar makes the agent ask for that first', async () => {
    const { clock, hub } = newHub()
    const asked: string[] = []
    const transport = new InProcessTransport({
      gateway: () => hub.gateway,
      clock,
      random,
      onMessage: ({ what }) => void asked.push(what),
    })
    const request = transport.request.bind(transport)
    let losing = true
    transport.request = async sent => {
      const response = await request(sent)
      if (!losing || !sent.path.startsWith('/agent/v1/documents') || sent.path.includes('ids=')) return response
      const answer = JSON.parse(Buffer.from(response.body).toString())
      const typ = (jws: string): unknown => JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()).typ
      const documents = answer.documents.filter((jws: string) => typ(jws) !== 'calendar')
      return { ...response, body: Buffer.from(JSON.stringify({ ...answer, documents })) }
    }
    // The word that something changed brings the calendar, too: it is lost as well.
    const connect = transport.connect.bind(transport)
    transport.connect = async (path, headers) => {
      const socket = await connect(path, headers)
      const onMessage = socket.onMessage.bind(socket)
      socket.onMessage = listener =>
        onMessage(text => {
          const { calendar, ...rest } = JSON.parse(text)
          listener(JSON.stringify(losing || calendar === undefined ? rest : { ...rest, calendar }))
        })
      return socket
    }
    const agent = smallAgent({ transport, clock, random, joinToken: await hub.joinToken('eu-1') })
    await agent.link.start()
    await clock.advance(1000)
    await hub.offer('eu-1', 'app-1', [configMap('a')])
    await clock.advance(1000)
    losing = false
    expect(agent.link.calendar()).toBeDefined()
    expect(asked).toContain('GET /agent/v1/documents?ids=calendar')
    await agent.link.stop()
  })

  test('a hub that stops names the spread, and agents come back within it', async () => {
    const { clock, hub } = newHub()
    const transport = new InProcessTransport({ gateway: () => hub.gateway, clock, random })
    const agent = smallAgent({ transport, clock, random, joinToken: await hub.joinToken('eu-1') })
    await agent.link.start()
    await clock.advance(1000)
    const stopped = hub.gateway
    hub.restart()
    stopped.stop(0)
    await clock.advance(0)
    expect(agent.link.connected()).toBe(true)
    hub.gateway.stop(300_000)
    expect(
      (await hub.gateway.handle({ method: 'GET', path: '/agent/v1/documents', headers: {}, remoteAddress: 'x' }))
        .status,
    ).toBe(503)
    await clock.advance(0)
    expect(agent.link.connected()).toBe(false)
    hub.restart()
    const before = clock.monotonicMs()
    expect(await clock.advanceUntil(() => agent.link.connected(), 300_000)).toBe(true)
    expect(clock.monotonicMs() - before).toBeGreaterThan(30_000)
    await agent.link.stop()
  })
})
