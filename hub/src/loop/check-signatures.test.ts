import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { sshSigner } from '@flotilla/core/signature/testing/ssh-signer'
import type { GitRequest, InputAnswer } from '@flotilla/generators/inputs'
import { expect, it } from 'vitest'
import { SourceIntegrity } from '../signature/source-integrity.ts'
import { answerSigned, waitingForSignature } from './check-signatures.ts'
import type { LoopServices } from './services.ts'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project } from './testing/loop-harness.ts'

it('answers nothing of a repository that came unsigned while it was asked', async () => {
  const hub = new LoopHarness()
  const ann = sshSigner('ann')
  const declared = JSON.parse(project('shop')) as { spec: object }
  const gpg = { mode: 'head', keys: [ann.fingerprint] }
  const spec = { ...declared.spec, sourceIntegrity: { git: { policies: [{ repos: ['*'], gpg }] } } }
  const template = { metadata: { name: 'x' }, spec: { project: 'shop' } }
  const set = { group: 'argoproj.io', spec: { generators: [], template } } as unknown as Declared<ApplicationSetSpec>
  hub.git.commit(CONFIG, { 'clusters/eu.json': cluster('eu-1'), 'shop.json': JSON.stringify({ ...declared, spec }) })
  hub.git.commit(APPS, { 'apps/evil/cm.json': configMap('evil', {}) })
  await hub.start()
  await hub.refresh(CONFIG)
  const request: GitRequest = { kind: 'git-directories', repoURL: APPS, revision: 'main', rules: [] }
  const services = { repositories: hub.mirrors, signatures: new SourceIntegrity(hub.clock) }
  let asked = 0
  const read: InputAnswer = { kind: 'failed', code: 'X', message: 'what it had', retry: false }
  const answer = await answerSigned(request, set, hub.loop.world, services as unknown as LoopServices, async () => {
    asked++
    await hub.mirrors.refresh(APPS)
    return read
  })
  expect([asked, answer]).toMatchObject([1, { kind: 'failed', code: 'SIGNATURE_MISSING' }])
})

it('looks through no readers where nobody asks for signatures', async () => {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, { 'clusters/eu.json': cluster('eu-1'), 'shop.json': project('shop') })
  await hub.start()
  function* readers(): Iterable<string> {
    yield 'application/a'
    throw new Error('asked for')
  }
  expect([...waitingForSignature(readers(), hub.loop.world)]).toEqual([])
})
