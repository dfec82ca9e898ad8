import request from 'supertest'
import { afterEach, describe, expect, it } from 'vitest'
import { type HubWithGates, hubWithGates, START } from '../gate-desk/testing/hub-with-gates.ts'
import { CONFIG } from '../loop/testing/loop-harness.ts'

const opened: HubWithGates[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each.stop()
})

type Who = keyof HubWithGates['tokens']

async function open(...given: Parameters<typeof hubWithGates>) {
  const made = await hubWithGates(...given)
  opened.push(made)
  const ask = (who: Who, method: 'get' | 'post' | 'patch' | 'delete', path: string, body?: object) => {
    const asked = request(made.app)[method](path).set('Authorization', `Bearer ${made.tokens[who]}`)
    return body === undefined ? asked : asked.send(body)
  }
  return {
    ...made,
    ask,
    get: (path: string, who: Who = 'reader') => ask(who, 'get', path),
    make: (who: Who, document: object) => ask(who, 'post', '/api/v1/windows', document),
    patch: (who: Who, name: string, body: object) => ask(who, 'patch', `/api/v1/windows/${name}`, body),
    remove: (who: Who, name: string, reason = 'over') => ask(who, 'delete', `/api/v1/windows/${name}?reason=${reason}`),
    /** Whether the hub may start `web` now, and what holds it. */
    decided: async () => {
      const { body } = await ask('reader', 'get', '/api/v1/decisions?application=web-eu-1&trigger=automated')
      const window = body.layers.find(({ name }: { name: string }) => name === 'window')
      return [
        body.allowed,
        ...window.blockers.map(({ rule, code }: { rule: string; code: string }) => `${rule} ${code}`),
      ]
    },
    actions: async () =>
      (await made.hub.store.read(rows => rows.auditAfter({ limit: 1_000, after: 0 }))).map(
        ({ actor, action, outcome }) => `${actor} ${action}${outcome === undefined ? '' : ` ${outcome}`}`,
      ),
  }
}

/** The harness begins on a Friday at 08:00 UTC. */
const NOW_AND_ALWAYS = { schedule: '0 0 * * *', duration: '24h' }
const AT_NIGHT = { schedule: '0 22 * * *', duration: '6h' }
const IN_THE_MORNING = { schedule: '0 7 * * *', duration: '4h' }

function windowDocument(name: string, kind: 'allow' | 'deny', spec: object, owner?: string) {
  return {
    ...{ apiVersion: 'flotilla.dev/v1alpha1', kind: 'SyncWindow' },
    metadata: { name, ...(owner !== undefined && { owner }) },
    spec: { kind, scope: { all: true }, ...spec },
  }
}
const inGit = (name: string, kind: 'allow' | 'deny', spec: object) => JSON.stringify(windowDocument(name, kind, spec))

describe('windows through the API', () => {
  it('one that is made is shown beside those of Git, and closes', async () => {
    const hub = await open({ 'w.json': inGit('nights', 'deny', AT_NIGHT) })
    const { body: made } = await hub.make('ana', windowDocument('mornings', 'deny', IN_THE_MORNING)).expect(201)
    expect(made).toMatchObject({
      ...{ name: 'mornings', kind: 'SyncWindow', state: 'active', level: 'deny', readOnly: false, revision: 1 },
      origin: { kind: 'api', madeBy: 'ana' },
      effect: { applications: 2, clusters: 1, inForce: 1 },
    })
    const { body } = await hub.get('/api/v1/windows').expect(200)
    const shown = body.items.map((each: { name: string; readOnly: boolean }) => [each.name, each.readOnly])
    expect(shown).toEqual([
      ['mornings', false],
      ['nights', true],
    ])
    expect(await hub.decided()).toEqual([false, 'SyncWindow/mornings WINDOW_DENY'])
    expect((await hub.get('/api/v1/windows/mornings')).body).toMatchObject({ revision: 1, document: made.document })
    expect((await hub.get('/api/v1/windows/mornings/yaml')).text).toContain('kind: SyncWindow\n')
    expect((await hub.get('/api/v1/windows/nights/yaml')).text).toContain('name: nights\n')
    expect(await hub.actions()).toContain('ana window.create')
    const { body: feed } = await hub.get('/api/v1/activity?kind=window')
    expect(feed.items[0]).toMatchObject({ event: 'window.made', subject: 'SyncWindow/mornings', by: 'ana' })
    expect(hub.events.latest().map(({ kind }) => kind)).toContain('window.made')
  })

  it('an allow opens nothing that a window of Git closes, and closes what that leaves open', async () => {
    const hub = await open({ 'w.json': inGit('nights', 'allow', AT_NIGHT) })
    await hub.make('ana', windowDocument('always', 'allow', NOW_AND_ALWAYS)).expect(201)
    expect(await hub.decided()).toEqual([false, 'SyncWindow/nights WINDOW_NOT_OPEN'])
    await hub.hub.push(CONFIG, { 'w.json': inGit('nights', 'allow', IN_THE_MORNING) })
    expect(await hub.decided()).toEqual([true])
    await hub.make('ana', windowDocument('late', 'allow', { ...AT_NIGHT, scope: { projects: ['shop'] } })).expect(201)
    expect(await hub.decided()).toEqual([false, 'SyncWindow/late WINDOW_NOT_OPEN'])
  })

  it('of those with one owner and for the same Projects one allow is enough, and others open nothing of it', async () => {
    const hub = await open()
    await hub.make('ana', windowDocument('nights', 'allow', AT_NIGHT)).expect(201)
    expect(await hub.decided()).toEqual([false, 'SyncWindow/nights WINDOW_NOT_OPEN'])
    const shop = { ...IN_THE_MORNING, scope: { projects: ['shop'] } }
    await hub.make('ana', windowDocument('shop-mornings', 'allow', shop)).expect(201)
    await hub.make('ana', windowDocument('owned', 'allow', IN_THE_MORNING, 'shop')).expect(201)
    expect(await hub.decided()).toEqual([false, 'SyncWindow/nights WINDOW_NOT_OPEN'])
    await hub.make('ana', windowDocument('mornings', 'allow', IN_THE_MORNING)).expect(201)
    expect(await hub.decided()).toEqual([true])
  })

  const REFUSED: [string, object, string, string][] = [
    ['of an empty scope', windowDocument('x', 'deny', { ...AT_NIGHT, scope: {} }), 'GATE_INVALID', '/body/spec/scope'],
    [
      'by a schedule that is none',
      windowDocument('x', 'deny', { schedule: 'nights', duration: '1h' }),
      'GATE_INVALID',
      '/body/spec/schedule',
    ],
    [
      'that never comes',
      windowDocument('x', 'deny', { schedule: '0 0 30 2 *', duration: '1h' }),
      'GATE_INVALID',
      '/body/spec/schedule',
    ],
    [
      'with a field that there is not',
      windowDocument('x', 'deny', { ...AT_NIGHT, durration: '1h' }),
      'GATE_INVALID',
      '/body/spec/durration',
    ],
    [
      'by a zone that is none',
      windowDocument('x', 'deny', { ...AT_NIGHT, timeZone: 'Europe/Atlantis' }),
      'GATE_INVALID',
      '/body/spec/timeZone',
    ],
    [
      'that is a freeze',
      {
        apiVersion: 'flotilla.dev/v1alpha1',
        kind: 'FreezePeriod',
        metadata: { name: 'x' },
        spec: {
          level: 'hard',
          reason: 'r',
          scope: { all: true },
          when: [{ from: '2028-01-01', through: '2028-01-02' }],
        },
      },
      'GATE_INVALID',
      '/body/kind',
    ],
    ['of the name of one in Git', windowDocument('nights', 'deny', AT_NIGHT), 'GATE_FROM_GIT', ''],
  ]
  for (const [sentence, document, code, pointer] of REFUSED) {
    it(`none is made ${sentence}`, async () => {
      const hub = await open({ 'w.json': inGit('nights', 'deny', AT_NIGHT) })
      const { body } = await hub.make('ana', document)
      expect(body.code).toBe(code)
      if (pointer !== '') expect(body.errors.map((each: { pointer: string }) => each.pointer)).toContain(pointer)
      expect(await hub.actions()).toContain('ana createWindow refused')
    })
  }

  it('an edit is of what was seen: by the revision, or by the tag of the read; a key does it once', async () => {
    const hub = await open()
    const create = () => hub.make('ana', windowDocument('nights', 'deny', AT_NIGHT)).set('Idempotency-Key', 'k-1')
    const first = await create().expect(201)
    const second = await create().expect(201)
    expect([second.body, second.headers['idempotency-replayed']]).toEqual([first.body, 'true'])
    await hub.make('ben', windowDocument('nights', 'deny', AT_NIGHT)).expect(409)
    const seen = await hub.get('/api/v1/windows/nights', 'ana')
    await hub
      .patch('ana', 'nights', { spec: { duration: '7h' } })
      .set('If-Match', '"1"')
      .expect(200)
    const stale = await hub
      .patch('ana', 'nights', { spec: { duration: '8h' } })
      .set('If-Match', '"1"')
      .expect(412)
    expect(stale.body.code).toBe('GATE_CHANGED')
    const byTag = await hub.remove('ana', 'nights').set('If-Match', seen.headers['etag']!).expect(412)
    expect(byTag.body.code).toBe('PRECONDITION_FAILED')
    expect(byTag.body.errors.map((each: { pointer: string }) => each.pointer)).toContain('/document/spec/duration')
    const { headers } = await hub.get('/api/v1/windows/nights', 'ana')
    const { body } = await hub.remove('ana', 'nights').set('If-Match', headers['etag']!).expect(200)
    expect(body).toMatchObject({ state: 'ended', revision: 3, ended: { by: 'ana', reason: 'over' } })
    expect((await hub.get('/api/v1/windows')).body.items).toEqual([])
    expect((await hub.remove('ana', 'nights').expect(409)).body.code).toBe('GATE_ENDED')
    await hub.remove('ana', 'none').expect(404)
    // A name may be used again.
    await hub.make('ben', windowDocument('nights', 'deny', AT_NIGHT)).expect(201)
    expect(await hub.actions()).toEqual(expect.arrayContaining(['ana window.edit', 'ana window.end']))
  })

  it('one that closes now is made to close less by two', async () => {
    const hub = await open()
    await hub.make('ana', windowDocument('mornings', 'deny', IN_THE_MORNING)).expect(201)
    await hub.patch('ana', 'mornings', { spec: { duration: '5h' } }).expect(200)
    const silent = await hub.patch('ana', 'mornings', { spec: { duration: '1h' } }).expect(422)
    expect(silent.body.code).toBe('OVERRIDE_REFUSED')
    const shorter = { spec: { duration: '1h' }, reason: 'INC-1' }
    const { body: waits } = await hub.patch('ana', 'mornings', shorter).expect(202)
    expect(waits).toMatchObject({
      because: ['it closes for less time'],
      waiting: { covers: ['window'], edit: { kind: 'SyncWindow', freeze: 'mornings', revision: 2 } },
    })
    expect(await hub.decided()).toEqual([false, 'SyncWindow/mornings WINDOW_DENY'])
    const approve = (who: Who) => hub.ask(who, 'post', `/api/v1/overrides/${waits.waiting.id}/approve`, {})
    expect((await approve('ana')).body.code).toBe('OVERRIDE_OWN')
    expect((await approve('robot')).body.code).toBe('OVERRIDE_NEEDS_PERSON')
    await approve('ben').expect(200)
    expect(await hub.decided()).toEqual([true])
    expect((await hub.get('/api/v1/windows/mornings')).body.document.spec.duration).toBe('1h')
    await hub.patch('ana', 'mornings', { spec: { duration: '5h' } }).expect(200)
    const { body: gone } = await hub.remove('ana', 'mornings', 'INC-2').expect(202)
    await hub.patch('ben', 'mornings', { spec: { duration: '6h' } }).expect(200)
    const late = await hub.ask('ben', 'post', `/api/v1/overrides/${gone.waiting.id}/approve`, {}).expect(412)
    expect(late.body.code).toBe('GATE_CHANGED')
  })

  it('of a name that Git declares later both are in force and shown, and the one that was made here is changed here', async () => {
    const hub = await open()
    await hub.make('ana', windowDocument('nights', 'allow', NOW_AND_ALWAYS)).expect(201)
    await hub.hub.push(CONFIG, { 'w.json': inGit('nights', 'deny', IN_THE_MORNING) })
    expect(await hub.decided()).toEqual([false, 'SyncWindow/nights WINDOW_DENY'])
    const { body } = await hub.get('/api/v1/windows?sort=level').expect(200)
    expect(body.items.map(({ rule, readOnly }: { rule: string; readOnly: boolean }) => [rule, readOnly])).toEqual([
      [expect.stringMatching(/^SyncWindow\/nights \(.+\)$/), false],
      ['SyncWindow/nights', true],
    ])
    await hub.remove('ana', 'nights').expect(200)
    expect((await hub.remove('ana', 'nights').expect(409)).body.code).toBe('GATE_FROM_GIT')
    expect((await hub.patch('ana', 'nights', { spec: AT_NIGHT }).expect(409)).body.code).toBe('GATE_FROM_GIT')
  })

  it('whoever may make them for one Project makes, changes and deletes none for more', async () => {
    const rows = ['create', 'update', 'delete'].map(action => `p, role:readonly, windows, ${action}, shop/*, allow`)
    const hub = await open({}, { rows: rows.join('\n') })
    const shop = { ...AT_NIGHT, scope: { projects: ['shop'] } }
    await hub.make('reader', windowDocument('mine', 'deny', shop)).expect(201)
    await hub.make('reader', windowDocument('all', 'deny', AT_NIGHT)).expect(403)
    await hub
      .make('reader', windowDocument('more', 'deny', { ...AT_NIGHT, scope: { projects: ['shop', 'web'] } }))
      .expect(403)
    await hub.patch('reader', 'mine', { spec: { scope: { projects: null, all: true } } }).expect(403)
    await hub.make('ana', windowDocument('all', 'deny', AT_NIGHT)).expect(201)
    await hub.patch('reader', 'all', { spec: { duration: '7h' } }).expect(403)
    await hub.remove('reader', 'all').expect(403)
    await hub.remove('reader', 'mine').expect(200)
    expect(await hub.actions()).toEqual(expect.arrayContaining(['reader createWindow refused', 'reader window.end']))
  })

  it('what it would close is known before it is saved, and is another thing in Git', async () => {
    const hub = await open({ 'w.json': inGit('nights', 'allow', AT_NIGHT) })
    const simulate = async (madeHere: boolean) => {
      const put = [windowDocument('always', 'allow', NOW_AND_ALWAYS)]
      const { body } = await hub
        .ask('reader', 'post', '/api/v1/gates/simulate', { put, madeHere, to: '+4h' })
        .expect(200)
      return [body.message, body.changes.map((each: { automated: { opens: unknown } }) => each.automated.opens)]
    }
    expect(await simulate(true)).toEqual(['this blocks nothing now', []])
    const opens = [{ from: new Date(START).toISOString(), to: new Date(START + 4 * 3_600_000).toISOString() }]
    expect(await simulate(false)).toEqual(['this blocks nothing now', [opens, opens]])
  })
})
