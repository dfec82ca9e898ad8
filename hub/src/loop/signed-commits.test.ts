import type { Pin } from '@flotilla/core/model/pin'
import { sshSigner, withSignature } from '@flotilla/core/signature/testing/ssh-signer'
import { describe, expect, it, vi } from 'vitest'
import { SourceIntegrity } from '../signature/source-integrity.ts'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project } from './testing/loop-harness.ts'

const ann = sshSigner('ann')
const ben = sshSigner('ben')
const signBy = (who: typeof ann) => (payload: string) => withSignature(payload, who.sign(Buffer.from(payload)))

const KEYS = JSON.stringify({
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'SigningKeys',
  metadata: { name: 'people' },
  spec: { ssh: [ann.line, ben.line] },
})

function restricted(fields: object): string {
  const document = JSON.parse(project('shop')) as { spec: object }
  return JSON.stringify({ ...document, spec: { ...document.spec, ...fields } })
}

const policy = (mode: string, keys: readonly string[], repos: readonly string[] = ['*']): string =>
  restricted({ sourceIntegrity: { git: { policies: [{ repos, gpg: { mode, keys } }] } } })

const web = (more: object = {}): string =>
  JSON.stringify({
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'Application',
    metadata: { name: 'web' },
    spec: {
      project: 'shop',
      source: { repoURL: APPS, targetRevision: 'main', path: 'apps/web' },
      destination: { name: 'eu-1', namespace: 'shop' },
      syncPolicy: { automated: {} },
      ...more,
    },
  })

const SET = JSON.stringify({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'ApplicationSet',
  metadata: { name: 'folders' },
  spec: {
    generators: [{ git: { repoURL: APPS, revision: 'main', directories: [{ path: 'apps/*' }] } }],
    template: {
      metadata: { name: '{{path.basename}}' },
      spec: {
        project: 'shop',
        source: { repoURL: APPS, targetRevision: 'main', path: '{{path}}' },
        destination: { name: 'eu-1', namespace: 'shop' },
      },
    },
  },
})

async function started(files: { readonly [path: string]: string }): Promise<LoopHarness> {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, { 'clusters/eu.json': cluster('eu-1'), 'keys.json': KEYS, ...files })
  hub.git.signer = signBy(ann)
  hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
  await hub.start()
  await hub.refresh(APPS)
  await hub.join('eu-1')
  await hub.clock.advance(1_000)
  return hub
}

const pushGreeting = (hub: LoopHarness, greeting: string): Promise<void> =>
  hub.push(APPS, { 'apps/web/cm.json': configMap('web', { greeting }) })

describe('a Project that wants commits signed', () => {
  it('holds what is not, tells which commit, and leaves what it has in force', async () => {
    const hub = await started({ 'projects/shop.json': policy('head', [ann.fingerprint]), 'web.json': web() })
    const { digest, revision } = hub.application('web')
    expect([hub.application('web').hold?.code, typeof digest]).toEqual([undefined, 'string'])
    hub.git.signer = undefined
    await pushGreeting(hub, 'unsigned')
    const held = hub.application('web')
    expect(held).toMatchObject({ digest, revision, hold: { code: 'SIGNATURE_MISSING' } })
    const tip = await (await hub.mirrors.open(APPS))?.resolve('main')
    expect(held.hold?.reason).toContain(`commit ${tip?.slice(0, 12)} of Flotilla`)
    hub.git.signer = signBy(ben)
    await pushGreeting(hub, 'by somebody else')
    expect(hub.application('web')).toMatchObject({ digest, hold: { code: 'SIGNATURE_REFUSED' } })
    hub.git.signer = signBy(ann)
    await pushGreeting(hub, 'signed again')
    expect(hub.application('web').hold).toBeUndefined()
    expect(hub.application('web').digest).not.toBe(digest)
    expect(hub.complaints).toEqual([])
  })

  it('lets go by a signed commit that changes nothing', async () => {
    const hub = await started({ 'projects/shop.json': policy('strict', [ann.fingerprint]), 'set.json': SET })
    hub.git.signer = undefined
    await hub.push(APPS, {
      'apps/web/cm.json': configMap('web', { greeting: 'unsigned' }),
      'apps/new/cm.json': configMap('new', {}),
    })
    expect([hub.names(), hub.application('web').hold?.code]).toEqual([['web'], 'SIGNATURE_MISSING'])
    hub.git.signer = payload =>
      signBy(ann)(payload.replace(/\n\n[\s\S]*$/, '\n\nreview\n\nFlotilla-seal: I have read it\n'))
    await hub.push(APPS, {})
    expect(hub.names()).toEqual(['new', 'web'])
    expect(hub.application('web').hold?.code).not.toMatch(/SIGNATURE/)
  })

  it('wants every commit before it signed in strict mode, unless the hub has seen them signed', async () => {
    const hub = await started({ 'projects/shop.json': policy('strict', [ann.fingerprint]), 'web.json': web() })
    expect(hub.application('web').hold).toBeUndefined()
    hub.git.signer = undefined
    await pushGreeting(hub, 'slipped in')
    hub.git.signer = signBy(ann)
    await pushGreeting(hub, 'on top of it')
    expect(hub.application('web').hold?.code).toBe('SIGNATURE_MISSING')
  })

  it('decides anew when it, or a key, changes', async () => {
    const shop = (keys: readonly string[]): { readonly [path: string]: string } => ({
      'projects/shop.json': policy('head', keys),
    })
    const hub = await started({ ...shop([ben.fingerprint]), 'web.json': web() })
    expect(hub.application('web').digest).toBeUndefined()
    expect(hub.application('web').hold?.code).toBe('SIGNATURE_REFUSED')
    hub.git.signer = undefined
    await hub.push(CONFIG, shop([ben.fingerprint, ann.fingerprint]))
    expect(hub.application('web').hold).toBeUndefined()
    await hub.push(CONFIG, { 'keys.json': null })
    expect(hub.application('web').hold?.reason).toContain('no SigningKeys document declares')
    await hub.push(CONFIG, { 'keys.json': KEYS })
    expect(hub.application('web').hold).toBeUndefined()
  })

  it('asks for it at the repositories that it names, as Argo CD writes it, too', async () => {
    const hub = await started({
      'projects/shop.json': policy('head', [ben.fingerprint], ['https://elsewhere.example.com/*']),
      'web.json': web(),
    })
    expect(hub.application('web').hold).toBeUndefined()
    await hub.push(CONFIG, { 'projects/shop.json': restricted({ signatureKeys: [{ keyID: ben.fingerprint }] }) })
    expect(hub.application('web').hold?.code).toBe('SIGNATURE_REFUSED')
  })

  it('has nothing of an unsigned revision by name of its commit either', async () => {
    const hub = await started({ 'projects/shop.json': policy('head', [ann.fingerprint]) })
    hub.git.signer = undefined
    await pushGreeting(hub, 'unsigned')
    const commit = (await (await hub.mirrors.open(APPS))?.resolve('main'))!
    const source = { repoURL: APPS, targetRevision: commit, path: 'apps/web' }
    await hub.push(CONFIG, { 'web.json': web({ source }) })
    expect(hub.application('web').digest).toBeUndefined()
    expect(hub.application('web').hold?.code).toBe('SIGNATURE_MISSING')
  })

  it('renders the commit that was checked, wherever its branch is by then', async () => {
    const hub = await started({ 'projects/shop.json': policy('head', [ann.fingerprint]), 'web.json': web() })
    const { problemOf } = SourceIntegrity.prototype
    const spy = vi.spyOn(SourceIntegrity.prototype, 'problemOf').mockImplementation(async function (
      this: SourceIntegrity,
      ...asked
    ) {
      const problem = await problemOf.apply(this, asked)
      spy.mockRestore()
      hub.git.signer = undefined
      const slipped = hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'slipped in' }) })
      await hub.mirrors.refresh(APPS)
      hub.loop.world.heads.move(APPS, 'main', slipped)
      return problem
    })
    const signed = hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'signed' }) })
    await hub.refresh(APPS)
    expect(hub.application('web').revision).toBe(signed)
  })

  it('has nothing back of what is kept, when its commit cannot be checked any more', async () => {
    const hub = await started({ 'projects/shop.json': project('shop'), 'web.json': web() })
    const { id, digest } = hub.application('web')
    await pushGreeting(hub, 'next')
    await hub.push(CONFIG, { 'projects/shop.json': policy('head', [ann.fingerprint]) })
    const next = hub.application('web').digest
    const pin: Pin = {
      ...{ id: 'p', origin: 'pin', by: 'eve', at: hub.clock.now(), reason: '' },
      ...{ revision: 'f'.repeat(40), digest: digest! },
    }
    await hub.loop.interventions.set(
      id,
      row => ({ ...row, pin }),
      () => Promise.resolve(),
    )
    expect(hub.application('web')).toMatchObject({ digest: next, hold: { code: 'REVISION_MISSING' } })
  })

  it('tells nobody of another Project that allows the same keys', async () => {
    const named = (name: string) =>
      JSON.stringify({ ...JSON.parse(policy('head', [ben.fingerprint])), metadata: { name } })
    const app = JSON.parse(web({ project: 'secret' })) as object
    const files = { 'web.json': web(), 'projects/shop.json': named('shop'), 'projects/secret.json': named('secret') }
    const hub = await started({ ...files, 'b.json': JSON.stringify({ ...app, metadata: { name: 'hidden' } }) })
    expect(hub.application('hidden').hold?.reason).toContain('project "secret" allows')
    expect(hub.application('web').hold?.reason).toContain('project "shop" allows')
  })
})

describe('a Repository that wants commits signed', () => {
  it('wants it of whatever Project reads it', async () => {
    const repository = (keys: readonly string[]): string =>
      JSON.stringify({
        apiVersion: 'flotilla.dev/v1alpha1',
        kind: 'Repository',
        metadata: { name: 'apps' },
        spec: { url: APPS, signatures: { mode: 'head', keys } },
      })
    const files = { 'projects/shop.json': project('shop'), 'web.json': web() }
    const hub = await started({ ...files, 'repository.json': repository([ben.fingerprint]) })
    expect(hub.application('web').hold?.reason).toContain('Repository "apps" allows')
    hub.git.signer = undefined
    await hub.push(CONFIG, { 'repository.json': repository([ann.fingerprint]) })
    expect(hub.application('web').hold).toBeUndefined()
    const other = { ...JSON.parse(repository([ben.fingerprint])), metadata: { name: 'another' } }
    await hub.push(CONFIG, { 'another.json': JSON.stringify(other) })
    expect(hub.application('web').hold?.reason).toContain('Repository "another" allows')
    await hub.push(CONFIG, { 'a.json': JSON.stringify({ ...other, spec: { url: APPS } }), 'another.json': null })
    expect(hub.application('web').hold).toBeUndefined()
  })
})

describe('a generator of folders', () => {
  it('reads only what is signed as the Project of its set asks', async () => {
    const hub = await started({ 'projects/shop.json': policy('head', [ann.fingerprint]), 'set.json': SET })
    expect(hub.names()).toEqual(['web'])
    hub.git.signer = undefined
    await hub.push(APPS, { 'apps/evil/cm.json': configMap('evil', {}) })
    expect(hub.names()).toEqual(['web'])
    const errors = (await hub.store.read(rows => rows.sets())).flatMap(one => one.errors)
    expect(errors).toMatchObject([{ code: 'SIGNATURE_MISSING', stale: true }])
    hub.git.signer = signBy(ann)
    await hub.push(APPS, { 'apps/good/cm.json': configMap('good', {}) })
    expect(hub.names()).toEqual(['evil', 'good', 'web'])
    await hub.push(CONFIG, { 'projects/shop.json': policy('head', [ben.fingerprint]) })
    const refused = (await hub.store.read(rows => rows.sets())).flatMap(one => one.errors)
    expect(refused).toMatchObject([{ code: 'SIGNATURE_REFUSED', stale: true }])
  })
})
