import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sshSigner, withSignature } from '@flotilla/core/signature/testing/ssh-signer'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { hubWithSignIn, type SignInHub } from '../sign-in/testing/hub-with-sign-in.ts'
import { FixtureRepository } from '../source/git/testing/fixture-repository.ts'

const ann = sshSigner('ann')
let fleet: FixtureRepository
let hub: SignInHub

const document = (kind: string, name: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'flotilla.dev/v1alpha1', kind, metadata: { name }, spec })

beforeAll(async () => {
  fleet = await FixtureRepository.make()
  await fleet.commit({
    files: {
      'web/a.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n',
      'fleet/keys.json': document('SigningKeys', 'people', { ssh: [ann.line] }),
      'fleet/cluster.json': document('Cluster', 'eu-1', {}),
      'fleet/project.json': document('Project', 'shop', {
        ...{ sourceRepos: ['*'], destinations: [{ name: '*', namespace: '*' }] },
        sourceIntegrity: { git: { policies: [{ repos: ['*'], gpg: { mode: 'head', keys: [ann.fingerprint] } }] } },
      }),
      'fleet/web.json': document('Application', 'web', {
        project: 'shop',
        source: { repoURL: fleet.path, targetRevision: 'main', path: 'web' },
        destination: { name: 'eu-1', namespace: 'shop' },
      }),
    },
  })
  const source = { name: 'platform', repository: fleet.path, revision: 'main', path: 'fleet', trust: 'all' }
  hub = await hubWithSignIn({ configSources: [source] })
})
afterAll(async () => {
  await hub?.stop()
  await fleet?.remove()
})

async function holdIs(code: string): Promise<void> {
  const look = async () => {
    const { status, body } = await hub.ask('/api/v1/applications/web', { token: hub.admin })
    expect([status, (body['hold'] as { readonly code?: string } | null)?.code]).toEqual([200, code])
  }
  await vi.waitFor(look, { timeout: 120_000, interval: 50 })
}

test('a real hub holds an unsigned commit, and goes on when it is signed', async () => {
  await holdIs('SIGNATURE_MISSING')
  const tree = await fleet.git('rev-parse', 'main^{tree}')
  const who = 'Ann Example <ann@example.com> 1760000000 +0000'
  const payload = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nsigned\n`
  const file = join(fleet.root, 'commit')
  await writeFile(file, withSignature(payload, ann.sign(Buffer.from(payload))))
  await fleet.git('update-ref', 'refs/heads/main', await fleet.git('hash-object', '-t', 'commit', '-w', file))
  await hub.ask('/api/v1/applications/web/refresh', { token: hub.admin, method: 'POST' })
  await holdIs('CLUSTER_NOT_JOINED')
})
