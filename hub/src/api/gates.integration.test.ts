import request from 'supertest'
import { afterEach, describe, expect, it } from 'vitest'
import { freezeDocument, HOUR_MS, type HubWithGates, hubWithGates, START } from '../gate-desk/testing/hub-with-gates.ts'
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
    post: (who: Who, path: string, body: object = {}) => ask(who, 'post', path, body),
    patch: (who: Who, path: string, body: object) => ask(who, 'patch', path, body),
    actions: async () =>
      (await made.hub.store.read(rows => rows.auditAfter({ limit: 1_000, after: 0 }))).map(
        ({ actor, action, outcome }) => `${actor} ${action}${outcome === undefined ? '' : ` ${outcome}`}`,
      ),
  }
}

const inGit = (name: string, fromMs: number, untilMs: number, spec: object = {}) =>
  JSON.stringify(freezeDocument(name, fromMs, untilMs, spec))
const overrideOf = (app: string, more: object = {}) => ({
  scope: { applications: { names: [app] } },
  until: '+2h',
  reason: 'INC-4711 payments fail',
  ...more,
})

describe('freezes through the API', () => {
  it('one that is made is shown beside those of Git, and holds', async () => {
    const hub = await open({ 'f.json': inGit('of-git', 5 * HOUR_MS, 6 * HOUR_MS) })
    const { body: made } = await hub
      .post('ana', '/api/v1/freezes', freezeDocument('stop', HOUR_MS, 2 * HOUR_MS))
      .expect(201)
    expect(made).toMatchObject({
      name: 'stop',
      state: 'scheduled',
      readOnly: false,
      revision: 1,
      origin: { kind: 'api', madeBy: 'ana' },
      effect: { applications: 2, clusters: 1 },
    })
    const { body } = await hub.get('/api/v1/freezes').expect(200)
    expect(body.items.map((each: { name: string; readOnly: boolean }) => [each.name, each.readOnly])).toEqual([
      ['stop', false],
      ['of-git', true],
    ])
    expect(body.items[1].origin).toMatchObject({ kind: 'git', source: 'platform', file: 'f.json', line: 1 })
    const at = new Date(START + 1.5 * HOUR_MS).toISOString()
    const { body: decision } = await hub.get(`/api/v1/decisions?application=web-eu-1&at=${at}`).expect(200)
    expect(decision).toMatchObject({
      allowed: false,
      layers: [{ name: 'freeze', allowed: false, blockers: [{ rule: 'FreezePeriod/stop', code: 'FREEZE_HARD' }] }, {}],
      nextChange: new Date(START + 2 * HOUR_MS).toISOString(),
    })
    const { text } = await hub.get('/api/v1/freezes/stop/yaml').expect(200)
    expect(text).toContain('kind: FreezePeriod\n')
  })

  it('freeze now holds at once, and says how far it has got', async () => {
    const hub = await open()
    const { body } = await hub.post('ana', '/api/v1/freezes/now', { reason: 'it burns', until: '+1h' }).expect(201)
    expect(body).toMatchObject({
      state: 'active',
      intervals: [{ from: new Date(START).toISOString(), until: new Date(START + HOUR_MS).toISOString() }],
      effect: { applications: 2, clusters: 1, inForce: 1, latestStart: new Date(START + 60_000).toISOString() },
      document: { spec: { inFlight: 'pauseAtWave', scope: { all: true } } },
    })
    const { body: decision } = await hub.get('/api/v1/applications/web-eu-1/decision').expect(200)
    expect(decision.allowed).toBe(false)
    await hub.wait(HOUR_MS)
    expect((await hub.get('/api/v1/applications/web-eu-1/decision')).body.allowed).toBe(true)
    expect((await hub.get('/api/v1/freezes')).body.items).toEqual([])
    expect((await hub.get('/api/v1/freezes?state=over')).body.items).toHaveLength(1)
  })

  const REFUSED: [string, object, string, string][] = [
    ['in the past', freezeDocument('x', -HOUR_MS, HOUR_MS), 'GATE_INVALID', '/body/spec/when/0/from'],
    [
      'with a field that there is not',
      freezeDocument('x', 0, HOUR_MS, { levl: 'hard' }),
      'GATE_INVALID',
      '/body/spec/levl',
    ],
    ['of an empty scope', freezeDocument('x', 0, HOUR_MS, { scope: {} }), 'GATE_INVALID', '/body/spec/scope'],
    [
      'by a calendar that is not there',
      freezeDocument('x', 0, 1, { when: [{ calendar: 'none' }] }),
      'GATE_INVALID',
      '/body/spec/when/0/calendar',
    ],
    [
      'that nobody is exempt from, with an exemption',
      freezeDocument('x', 0, HOUR_MS, { exemptable: false, exclude: [{ projects: ['a'], reason: 'b' }] }),
      'GATE_INVALID',
      '/body/spec/exclude',
    ],
    ['of the name of one in Git', freezeDocument('of-git', HOUR_MS, 2 * HOUR_MS), 'GATE_FROM_GIT', ''],
    ['that is none', { kind: 'Application' }, 'GATE_INVALID', '/body/kind'],
  ]
  for (const [sentence, document, code, pointer] of REFUSED) {
    it(`none is made ${sentence}`, async () => {
      const hub = await open({ 'f.json': inGit('of-git', 5 * HOUR_MS, 6 * HOUR_MS) })
      const { body } = await hub.post('ana', '/api/v1/freezes', document)
      expect(body.code).toBe(code)
      if (pointer !== '') expect(body.errors.map((each: { pointer: string }) => each.pointer)).toContain(pointer)
      expect(await hub.actions()).toContain('ana createFreeze refused')
    })
  }

  it('a name stands once; If-Match names the revision that was seen', async () => {
    const hub = await open()
    await hub.post('ana', '/api/v1/freezes', freezeDocument('stop', HOUR_MS, 2 * HOUR_MS)).expect(201)
    const again = await hub.post('ben', '/api/v1/freezes', freezeDocument('stop', HOUR_MS, 2 * HOUR_MS)).expect(409)
    expect(again.body.code).toBe('GATE_EXISTS')
    const edit = { spec: { reason: 'other' }, reason: 'typo' }
    await hub.patch('ana', '/api/v1/freezes/stop', edit).set('If-Match', '"1"').expect(200)
    const stale = await hub.patch('ben', '/api/v1/freezes/stop', edit).set('If-Match', '"1"').expect(412)
    expect(stale.body.code).toBe('GATE_CHANGED')
    const { body } = await hub.get('/api/v1/freezes/stop')
    expect(body).toMatchObject({ revision: 2, reason: 'other', origin: { changedBy: 'ana' } })
    await hub.patch('ana', '/api/v1/freezes/none', edit).expect(404)
  })

  it('one of Git is changed there', async () => {
    const hub = await open({ 'f.json': inGit('of-git', 5 * HOUR_MS, 6 * HOUR_MS) })
    for (const [method, path, body] of [
      ['patch', '/api/v1/freezes/of-git', { spec: {} }],
      ['post', '/api/v1/freezes/of-git/end', {}],
    ] as const) {
      const refused = await hub.ask('ana', method, path, body).expect(409)
      expect(refused.body).toMatchObject({
        code: 'GATE_FROM_GIT',
        detail: expect.stringContaining('platform, f.json:1'),
      })
    }
  })

  it('one to come is changed and ended by one person', async () => {
    const hub = await open()
    await hub.post('ana', '/api/v1/freezes', freezeDocument('stop', HOUR_MS, 2 * HOUR_MS)).expect(201)
    await hub.patch('ana', '/api/v1/freezes/stop', { spec: { level: 'soft' } }).expect(200)
    const { body } = await hub.post('ana', '/api/v1/freezes/stop/end', { reason: 'not needed' }).expect(200)
    expect(body).toMatchObject({ state: 'ended', ended: { by: 'ana', reason: 'not needed' } })
    const gone = await hub.post('ana', '/api/v1/freezes/stop/end').expect(409)
    expect(gone.body.code).toBe('GATE_ENDED')
    await hub.post('ana', '/api/v1/freezes', freezeDocument('stop', HOUR_MS, 2 * HOUR_MS)).expect(201)
  })

  it('one that holds is ended early by two, as break-glass is', async () => {
    const hub = await open()
    await hub.post('ana', '/api/v1/freezes/now', { name: 'stop', reason: 'it burns', until: '+8h' }).expect(201)
    await hub.post('ana', '/api/v1/freezes/stop/end', { reason: '' }).expect(422)
    const { body: asked } = await hub.post('ana', '/api/v1/freezes/stop/end', { reason: 'it is out' }).expect(202)
    expect(asked).toMatchObject({
      because: ['it ends earlier'],
      waiting: { state: 'Pending', edit: { freeze: 'stop', document: null } },
    })
    const path = `/api/v1/overrides/${asked.waiting.id}/approve`
    expect((await hub.post('ana', path).expect(403)).body.code).toBe('OVERRIDE_OWN')
    expect((await hub.post('robot', path).expect(403)).body.code).toBe('OVERRIDE_NEEDS_PERSON')
    expect((await hub.get('/api/v1/decisions?application=web-eu-1')).body.allowed).toBe(false)
    const { body: done } = await hub.post('ben', path, { comment: 'seen' }).expect(200)
    expect(done).toMatchObject({ state: 'Used', useCount: 1, needsReview: true })
    expect((await hub.get('/api/v1/decisions?application=web-eu-1')).body.allowed).toBe(true)
    expect((await hub.get('/api/v1/freezes/stop')).body).toMatchObject({ state: 'ended', ended: { by: 'ana' } })
    const kinds = hub.events.latest().map(({ kind }) => kind)
    expect(kinds).toEqual(
      expect.arrayContaining(['freeze.made', 'override.requested', 'freeze.ended', 'override.approved']),
    )
  })

  it('an exemption from one that holds needs two, and a freeze that was changed meanwhile is not changed', async () => {
    const hub = await open()
    const spec = { breakGlass: { approvals: 2, ticketPattern: '^INC-[0-9]+$' } }
    await hub.post('ana', '/api/v1/freezes', freezeDocument('stop', 0, 8 * HOUR_MS, spec)).expect(201)
    const exclude = [{ applications: { names: ['web-*'] }, reason: 'the fix' }]
    const wish = { spec: { exclude }, reason: 'let it through' }
    expect((await hub.patch('ana', '/api/v1/freezes/stop', wish).expect(422)).body.errors[0].message).toContain('INC-')
    const { body } = await hub.patch('ana', '/api/v1/freezes/stop', { ...wish, reason: 'INC-1' }).expect(202)
    const path = `/api/v1/overrides/${body.waiting.id}/approve`
    expect((await hub.post('ben', path).expect(200)).body.state).toBe('Pending')
    await hub.patch('eve', '/api/v1/freezes/stop', { spec: { reason: 'stricter' } }).expect(200)
    expect((await hub.post('eve', path).expect(412)).body.code).toBe('GATE_CHANGED')
    const { body: second } = await hub.patch('ana', '/api/v1/freezes/stop', { ...wish, reason: 'INC-1' }).expect(202)
    for (const who of ['ben', 'eve'] as const) {
      await hub.post(who, `/api/v1/overrides/${second.waiting.id}/approve`).expect(200)
    }
    expect((await hub.get('/api/v1/decisions?application=web-eu-1')).body.allowed).toBe(true)
    expect((await hub.get('/api/v1/decisions?application=checkout-eu-1')).body.allowed).toBe(false)
  })

  it('one that allows no break-glass is not ended early by anybody', async () => {
    const hub = await open()
    const spec = { breakGlass: { allowed: false } }
    await hub.post('ana', '/api/v1/freezes', freezeDocument('stop', 0, 8 * HOUR_MS, spec)).expect(201)
    expect((await hub.post('ana', '/api/v1/freezes/stop/end', { reason: 'x' }).expect(409)).body.code).toBe(
      'FREEZE_LOCKED',
    )
    await hub.patch('ana', '/api/v1/freezes/stop', { spec: { gracePeriod: '5m' } }).expect(200)
  })

  it('people are told before one begins, once', async () => {
    const hub = await open({ 'f.json': inGit('of-git', 25 * HOUR_MS, 26 * HOUR_MS, { announce: ['P1D', 'PT1H'] }) })
    const told = () => hub.events.latest().filter(({ kind }) => kind === 'freeze.announced').length
    expect(told()).toBe(0)
    await hub.wait(HOUR_MS + 60_000)
    expect(told()).toBe(1)
    await hub.wait(20 * HOUR_MS)
    expect(told()).toBe(1)
    await hub.wait(3 * HOUR_MS)
    expect(told()).toBe(2)
  })
})

describe('break-glass', () => {
  const FROZEN = { 'f.json': inGit('of-git', -HOUR_MS, 20 * HOUR_MS, { breakGlass: { maxDuration: '2h' } }) }
  const decided = '/api/v1/decisions?application=web-eu-1'

  it('is asked for by one, approved by another, and opens what it names for as long as it says', async () => {
    const hub = await open(FROZEN)
    const { body: asked } = await hub.post('ana', '/api/v1/overrides', overrideOf('web-*')).expect(201)
    expect(asked).toMatchObject({
      state: 'Pending',
      requestedBy: 'ana',
      approvalsNeeded: 1,
      rules: [{ name: 'FreezePeriod/of-git', kind: 'FreezePeriod' }],
    })
    expect((await hub.get(decided)).body.allowed).toBe(false)
    const path = `/api/v1/overrides/${asked.id}`
    await hub.post('ana', `${path}/approve`).expect(403)
    await hub.post('robot', `${path}/approve`).expect(403)
    await hub.post('reader', `${path}/approve`).expect(403)
    await hub.post('ben', `${path}/approve`, { comment: 'go' }).expect(200)
    expect((await hub.get(decided)).body).toMatchObject({
      allowed: true,
      override: { names: [`Override/${asked.id}`], used: ['freeze'] },
    })
    expect((await hub.get('/api/v1/decisions?application=checkout-eu-1')).body.allowed).toBe(false)
    expect((await hub.get(`${decided}&trigger=automated`)).body.allowed).toBe(false)
    expect((await hub.get(`${decided}&action=rollback`)).body.allowed).toBe(false)
    await hub.post('ben', `${path}/review`, { comment: 'x' }).expect(409)
    await hub.wait(2 * HOUR_MS + 2_000)
    expect((await hub.get(decided)).body.allowed).toBe(false)
    expect((await hub.get(path)).body).toMatchObject({ state: 'Expired', needsReview: true })
    expect((await hub.get('/api/v1/overrides?review=open')).body.total).toBe(1)
    await hub.post('ben', `${path}/review`, { comment: 'cause found' }).expect(200)
    expect((await hub.get('/api/v1/overrides?review=open')).body.total).toBe(0)
    expect(await hub.actions()).toEqual(
      expect.arrayContaining([
        'ana override.request',
        'ana override.approve refused',
        'ci override.approve refused',
        'reader approveOverride refused',
        'ben override.approve',
        'ben override.review refused',
        'hub override.expire',
        'ben override.review',
      ]),
    )
  })

  it('is revoked at once', async () => {
    const hub = await open(FROZEN)
    const { body } = await hub.post('ana', '/api/v1/overrides', overrideOf('web-*')).expect(201)
    await hub.post('ben', `/api/v1/overrides/${body.id}/approve`).expect(200)
    expect((await hub.get(decided)).body.allowed).toBe(true)
    await hub.post('eve', `/api/v1/overrides/${body.id}/revoke`, { reason: 'mended' }).expect(200)
    expect((await hub.get(decided)).body.allowed).toBe(false)
    expect((await hub.post('ben', `/api/v1/overrides/${body.id}/approve`).expect(409)).body.code).toBe(
      'OVERRIDE_NOT_PENDING',
    )
  })

  it('is used as often as it says, and counted where the Grant is stored', async () => {
    const { useOverrides } = await import('../gate-desk/use-overrides.ts')
    const hub = await open(FROZEN)
    const { body } = await hub.post('ana', '/api/v1/overrides', overrideOf('web-*', { maxUses: 1 })).expect(201)
    await hub.post('ben', `/api/v1/overrides/${body.id}/approve`).expect(200)
    const use = (operation: string) =>
      hub.hub.store.write(rows =>
        useOverrides(rows, [`Override/${body.id}`], {
          ...{ operation, application: 'web-eu-1', at: hub.hub.clock.now(), by: 'ana' },
          rules: ['FreezePeriod/of-git'],
        }),
      )
    expect([await use('op-1'), await use('op-1'), await use('op-2')]).toEqual(['used', 'used', 'gone'])
    await hub.desk.keeper.changed()
    expect((await hub.get(decided)).body.allowed).toBe(false)
    expect((await hub.get(`/api/v1/overrides/${body.id}`)).body).toMatchObject({
      state: 'Used',
      useCount: 1,
      uses: [{ operation: 'op-1', by: 'ana' }],
      needsReview: true,
    })
    expect((await hub.actions()).filter(each => each === 'ana override.use')).toHaveLength(1)
  })

  it('a sync by hand passes under it, is counted, and passes no longer than it lasts', async () => {
    const hub = await open(FROZEN)
    const sync = (who: Who, app: string) => hub.post(who, `/api/v1/applications/${app}/sync`, {})
    expect((await sync('ana', 'web-eu-1')).status).toBe(409)
    const { body } = await hub.post('ana', '/api/v1/overrides', overrideOf('web-*', { maxUses: 1 })).expect(201)
    await hub.post('ben', `/api/v1/overrides/${body.id}/approve`).expect(200)
    expect((await sync('reader', 'web-eu-1')).status).toBe(403)
    expect((await sync('ana', 'checkout-eu-1')).status).toBe(409)
    const many = { action: 'sync', applications: ['checkout-eu-1'] }
    await hub.post('ana', '/api/v1/operations', { ...many, dryRun: true }).expect(200)
    const refusals = async () => (await hub.actions()).filter(each => each === 'ana gate.decide refused').length
    expect(await refusals()).toBe(2)
    const asked = await hub.post('ana', '/api/v1/operations', many).expect(202)
    expect(await refusals()).toBe(3)
    // It can be followed though nothing of it was let pass.
    const { body: followed } = await hub.get(`/api/v1/operations/${asked.body.id}`)
    expect(followed).toMatchObject({
      ...{ kind: 'bulk', state: 'failed', by: 'ana', counts: { refused: 1 }, message: '1 refused', total: 1 },
      items: [{ application: 'checkout-eu-1', state: 'refused', code: 'OPERATION_HELD', id: null }],
    })
    const some = { action: 'sync', applications: ['web-eu-1', 'absent'], sync: { dryRun: true } }
    const { body: both } = await hub.post('ana', '/api/v1/operations', some).expect(202)
    const { body: partly } = await hub.get(`/api/v1/operations/${both.id}`, 'ana')
    expect(partly).toMatchObject({ state: 'waiting', finishedAt: null, counts: { waiting: 1, refused: 1 } })
    await hub.post('ana', '/api/v1/applications/web-eu-1/terminate', {}).expect(202)
    // Names that there are none of are told to nobody but whoever has written them.
    expect((await hub.get(`/api/v1/operations/${both.id}`)).body).toMatchObject({ state: 'succeeded', total: 1 })
    expect((await hub.get(`/api/v1/operations/${both.id}`, 'ana')).body).toMatchObject({
      ...{ state: 'failed', counts: { cancelled: 1, refused: 1 }, finishedAt: expect.any(String) },
    })
    expect((await sync('ana', 'web-eu-1')).status).toBe(202)
    const [grant] = await hub.hub.grants(hub.hub.application('web-eu-1').clusterId!)
    expect(grant).toMatchObject({ trigger: 'override', by: 'ana', passes: [{ until: START + 2 * HOUR_MS }] })
    const { body: used } = await hub.get(`/api/v1/overrides/${body.id}`)
    expect(used).toMatchObject({ state: 'Used', useCount: 1, uses: [{ application: 'web-eu-1', by: 'ana' }] })
    expect(await hub.actions()).toEqual(
      expect.arrayContaining([
        'ana gate.decide refused',
        'ana gate.decide',
        'ana override.use',
        'ana application.sync',
      ]),
    )
  })

  it('that is for syncs alone removes nothing with one', async () => {
    const hub = await open(FROZEN)
    const { body } = await hub.post('ana', '/api/v1/overrides', overrideOf('web-*', {})).expect(201)
    await hub.post('ben', `/api/v1/overrides/${body.id}/approve`).expect(200)
    const refused = await hub.post('ana', '/api/v1/applications/web-eu-1/sync', { prune: true }).expect(409)
    expect(refused.body.detail).toContain('removing objects with a manual sync waits for FreezePeriod/of-git')
    await hub.post('ana', '/api/v1/applications/web-eu-1/sync', {}).expect(202)
  })

  it('covers no freeze that allows none, none for longer than it lets itself be, and none without its ticket', async () => {
    const spec = { breakGlass: { allowed: false } }
    const locked = await open({ 'f.json': inGit('of-git', -HOUR_MS, HOUR_MS, spec) })
    const refused = await locked.post('ana', '/api/v1/overrides', overrideOf('web-*')).expect(422)
    expect(refused.body.errors[0]).toMatchObject({
      pointer: '/body/covers',
      message: expect.stringContaining('no break-glass'),
    })
    const hub = await open({
      'f.json': inGit('of-git', -HOUR_MS, 20 * HOUR_MS, {
        breakGlass: { maxDuration: '2h', ticketPattern: '^INC-[0-9]+$' },
      }),
    })
    const wrong = await hub
      .post('ana', '/api/v1/overrides', overrideOf('web-*', { until: '+3h', reason: 'fire' }))
      .expect(422)
    expect(wrong.body.errors.map((each: { pointer: string }) => each.pointer)).toEqual(['/body/until', '/body/reason'])
    expect(await hub.actions()).toContain('ana override.request refused')
  })

  it('goes on covering a rule whose scope became smaller, and not one that asks for more by now', async () => {
    const hub = await open(FROZEN)
    const { body } = await hub.post('ana', '/api/v1/overrides', overrideOf('web-*')).expect(201)
    await hub.post('ben', `/api/v1/overrides/${body.id}/approve`).expect(200)
    const change = (spec: object) => hub.hub.push(CONFIG, { 'f.json': inGit('of-git', -HOUR_MS, 20 * HOUR_MS, spec) })
    await change({ scope: { projects: ['shop'] } })
    expect((await hub.get(decided)).body.allowed).toBe(true)
    await change({ breakGlass: { approvals: 2 } })
    expect((await hub.get(decided)).body.allowed).toBe(false)
    await hub.post('eve', `/api/v1/overrides/${body.id}/approve`).expect(200)
    expect((await hub.get(decided)).body.allowed).toBe(true)
    await change({ breakGlass: { allowed: false } })
    expect((await hub.get(decided)).body.allowed).toBe(false)
  })

  it('a second person is one of another subject whose token the first has not made', async () => {
    const hub = await open(FROZEN)
    const { body: token } = await hub
      .post('ana', '/api/v1/tokens', { name: 'zoe', role: 'admin', kind: 'person' })
      .expect(201)
    const { body: same } = await hub
      .post('ben', '/api/v1/tokens', { name: 'Ana', role: 'admin', kind: 'person' })
      .expect(201)
    const { body } = await hub.post('ana', '/api/v1/overrides', overrideOf('web-*')).expect(201)
    for (const { token: text } of [token, same]) {
      const path = `/api/v1/overrides/${body.id}/approve`
      const refused = await request(hub.app).post(path).set('Authorization', `Bearer ${text}`).send({}).expect(403)
      expect(refused.body.code).toBe('OVERRIDE_OWN')
    }
  })

  it('is not asked for beyond what one may ask for', async () => {
    const hub = await open(FROZEN, {
      rows: 'p, role:admin, overrides, create, */checkout*, deny',
    })
    const refused = await hub.post('ana', '/api/v1/overrides', overrideOf('*')).expect(422)
    expect(refused.text).not.toContain('checkout')
    await hub.post('ana', '/api/v1/overrides', overrideOf('web-*')).expect(201)
  })
})

describe('questions about gates', () => {
  const GATES = { 'f.json': inGit('of-git', HOUR_MS, 2 * HOUR_MS, { scope: { applications: { names: ['web-*'] } } }) }
  const hidden = { rows: 'p, role:readonly, applications, get, */web*, deny' }

  it('an Application that one may not see and one that is not there get the same bytes', async () => {
    const hub = await open(GATES, hidden)
    for (const path of [
      '/api/v1/decisions?application=NAME',
      '/api/v1/applications/NAME/decision',
      '/api/v1/timeline?from=now&to=%2B1h&application=NAME',
    ]) {
      const [there, absent] = [
        await hub.get(path.replace('NAME', 'web-eu-1')),
        await hub.get(path.replace('NAME', 'none-eu-1')),
      ]
      expect([there.status, there.text]).toEqual([404, absent.text])
      const without = ({ headers }: typeof there) => ({ ...headers, 'x-request-id': '', date: '' })
      expect(without(there)).toEqual(without(absent))
    }
    await hub.get('/api/v1/decisions?application=checkout-eu-1').expect(200)
  })

  it('calendar and timeline have only what the reader may see', async () => {
    const whole = await open(GATES)
    expect((await whole.get('/api/v1/calendar.ics').expect(200)).text).toContain('FreezePeriod/of-git')
    const hub = await open(GATES, hidden)
    const { text } = await hub.get('/api/v1/calendar.ics').expect(200)
    expect(text).toContain('BEGIN:VCALENDAR')
    expect(text).not.toContain('of-git')
    const { body } = await hub.get('/api/v1/timeline?from=now&to=%2B4h').expect(200)
    expect(body.timelines).toMatchObject([{ applications: ['checkout-eu-1'], intervals: [{ automated: 'open' }] }])
  })

  it('the calendar takes a token in its URL, one that may only read', async () => {
    const hub = await open(GATES)
    const bare = (token: string) => request(hub.app).get(`/api/v1/calendar.ics?token=${encodeURIComponent(token)}`)
    const { headers, text } = await bare(hub.tokens.reader).expect(200)
    expect(headers['content-type']).toBe('text/calendar; charset=utf-8')
    expect(text).toContain('SUMMARY:Freeze: FreezePeriod/of-git')
    await bare(hub.tokens.admin).expect(401)
    await bare('flt_x').expect(401)
    await request(hub.app).get('/api/v1/calendar.ics').expect(401)
    await request(hub.app).get(`/api/v1/freezes?token=${hub.tokens.reader}`).expect(401)
  })

  it('a change is simulated before it is saved', async () => {
    const hub = await open(GATES)
    const { body } = await hub
      .ask('reader', 'post', '/api/v1/gates/simulate', {
        put: [freezeDocument('all', 0, HOUR_MS)],
        remove: ['FreezePeriod/of-git'],
      })
      .expect(200)
    expect(body).toMatchObject({ message: 'this blocks 2 Applications in 1 cluster now', total: 2 })
    expect(body.changes.find((each: { application: string }) => each.application === 'web-eu-1').manual).toEqual({
      closes: [{ from: new Date(START).toISOString(), to: new Date(START + HOUR_MS).toISOString() }],
      opens: [{ from: new Date(START + HOUR_MS).toISOString(), to: new Date(START + 2 * HOUR_MS).toISOString() }],
    })
    const wrong = await hub.ask('reader', 'post', '/api/v1/gates/simulate', { put: [{}], remove: ['none'] }).expect(422)
    expect(wrong.body.errors.map((each: { pointer: string }) => each.pointer)).toEqual([
      '/body/put/0/kind',
      '/body/remove/0',
    ])
    expect((await hub.actions()).some(each => each.includes('simulate'))).toBe(false)
  })

  it('times need a zone, and a timeline an end', async () => {
    const hub = await open()
    await hub.get('/api/v1/decisions?application=web-eu-1&at=2027-01-15T08:00').expect(400)
    await hub.get('/api/v1/timeline?from=%2B2h&to=%2B1h').expect(400)
    await hub.get('/api/v1/timeline?from=now&to=%2B30000h').expect(400)
  })

  it('a calendar of a config source is read there; before it was, what names it holds', async () => {
    const calendars = [
      {
        name: 'own',
        from: { kind: 'file' as const, source: 'platform', path: 'calendars/own.ics' },
        refreshMs: HOUR_MS,
      },
    ]
    const event = ['BEGIN:VEVENT', 'UID:1', 'SUMMARY:Day', 'DTSTART;VALUE=DATE:20270116', 'END:VEVENT']
    const hub = await open({ 'f.json': inGit('days', 0, 1, { when: [{ calendar: 'own' }] }) }, { calendars })
    const decided = async (at: string) => (await hub.get(`/api/v1/decisions?application=web-eu-1&at=${at}`)).body
    expect(await decided('now')).toMatchObject({
      allowed: false,
      layers: [{ blockers: [{ code: 'INDETERMINATE', reason: expect.stringContaining('has never been loaded') }] }, {}],
    })
    expect((await hub.get('/api/v1/calendars')).body.items).toMatchObject([
      {
        name: 'own',
        source: 'platform: calendars/own.ics',
        hash: null,
        error: { message: expect.stringContaining('not in the repository') },
      },
    ])
    expect((await hub.get('/api/v1/freezes/days')).body.state).toBe('indeterminate')
    const text = ['BEGIN:VCALENDAR', ...event, 'END:VCALENDAR', ''].join('\r\n')
    await hub.hub.push(CONFIG, { 'calendars/own.ics': text })
    await hub.wait(61_000)
    expect((await decided('now')).allowed).toBe(true)
    expect(await decided('2027-01-16T12:00:00Z')).toMatchObject({
      allowed: false,
      nextChange: '2027-01-17T00:00:00.000Z',
    })
  })

  it('windows of Projects are listed beside those with a scope of their own', async () => {
    const window = { kind: 'deny', schedule: '0 7 * * *', duration: '2h' }
    const own = {
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'SyncWindow',
      metadata: { name: 'days', owner: 'platform' },
    }
    const hub = await open({
      'w.json': JSON.stringify({ ...own, spec: { ...window, scope: { all: true } } }),
      'projects/web.json': JSON.stringify({
        ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata: { name: 'web', namespace: 'argocd' } },
        spec: {
          sourceRepos: ['*'],
          destinations: [],
          syncWindows: [{ ...window, kind: 'allow', applications: ['*'] }],
        },
      }),
    })
    const { body } = await hub.get('/api/v1/windows').expect(200)
    expect(body.items.map((each: { rule: string; state: string }) => [each.rule, each.state])).toEqual([
      ['Project/web syncWindows[0]', 'active'],
      ['SyncWindow/days', 'active'],
    ])
  })
})
