import { sshSigner } from '@flotilla/core/signature/testing/ssh-signer'
import { expect, test } from 'vitest'
import { load as loadConfig } from '../load.ts'

const BLOCK = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENBFmUaEEBCACz\n-----END PGP PUBLIC KEY BLOCK-----\n'
const ann = sshSigner('ann')

function load(document: object, trust: 'all' | readonly string[] = 'all') {
  const settings = {
    source: 'platform',
    trust: trust === 'all' ? ({ kind: 'all' } as const) : ({ kind: 'projects', projects: trust } as const),
  }
  const { fleet, diagnostics } = loadConfig({
    files: [{ path: 'keys.yaml', text: JSON.stringify(document) }],
    ...settings,
  })
  return { keys: fleet.signingKeys?.[0]?.spec, lines: diagnostics.map(one => `${one.code} ${one.message}`) }
}

const ours = (spec: object): object => ({
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'SigningKeys',
  metadata: { name: 'people' },
  spec,
})
const argo = (data: object): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'argocd-gpg-keys-cm', namespace: 'argocd' },
  data,
})

test('keys are declared by a document of ours, or as Argo CD keeps them', () => {
  expect(load(ours({ openpgp: [BLOCK], ssh: [ann.line] }))).toEqual({
    keys: { openpgp: [BLOCK], ssh: [ann.line] },
    lines: [],
  })
  expect(load(argo({ '4AEE18F83AFDEB23': BLOCK }))).toEqual({ keys: { openpgp: [BLOCK], ssh: [] }, lines: [] })
})

test('what is no public key is a mistake, and a private one is told as such without showing it', () => {
  const secret = BLOCK.replaceAll('PUBLIC', 'PRIVATE')
  const { keys, lines } = load(ours({ openpgp: [secret, 'nonsense'], ssh: ['ssh-dss AAAA'] }))
  expect(keys).toBeUndefined()
  expect(lines).toEqual([
    expect.stringContaining('is a private key'),
    expect.stringContaining('is no OpenPGP public key'),
    expect.stringContaining('is no SSH public key'),
  ])
  expect(lines.join()).not.toContain('mQENBFmUaEEBCACz')
  expect(load(argo({ '3AFDEB23': BLOCK })).lines).toEqual([expect.stringContaining('eight digits')])
})

test('a source of a team may not declare keys', () => {
  expect(load(ours({ ssh: [ann.line] }), ['shop'])).toEqual({
    keys: undefined,
    lines: [expect.stringContaining('NOT_TRUSTED')],
  })
})
