import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Trust } from '@flotilla/core/model/fleet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FolderSecrets, type SecretSettings, secretRefusal, secretsNamed } from './host-secrets.ts'

const GITHUB = 'https://api.github.com/'
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secrets-'))
  // As Kubernetes mounts it.
  await mkdir(join(folder, 'bot', '..2030_01_01'), { recursive: true })
  await writeFile(join(folder, 'bot', '..2030_01_01', 'token'), 'swordfish\n\n')
  await symlink('..2030_01_01', join(folder, 'bot', '..data'))
  await symlink(join('..data', 'token'), join(folder, 'bot', 'token'))
  await mkdir(join(folder, 'bot', 'folder'))
  await writeFile(join(folder, 'bot', 'large'), 'x'.repeat(70_000))
  await writeFile(join(folder, 'outside'), 'not for documents')
})
afterAll(() => rm(folder, { recursive: true }))

function secrets(more: Partial<SecretSettings> = {}, allowed = ['bot', 'none', 'a.b']): FolderSecrets {
  const settings = { secretsFolder: folder, configMapsFolder: folder, secrets: [], allowedProviders: [], ...more }
  return new FolderSecrets(settings, allowed)
}

const said = async (reading: Promise<unknown>): Promise<string> =>
  await reading.then(
    value => `no failure: ${String(value)}`,
    (error: Error & { code?: string }) => `${error.code} ${error.message}`,
  )

describe('a secret', () => {
  test('is read as Kubernetes mounts it, without the line break of who wrote it by hand', async () => {
    expect(await secrets().secret({ secretName: 'bot', key: 'token' }, GITHUB)).toBe('swordfish')
    expect(await said(secrets().secretKeys('bot', GITHUB))).toContain('no file of at most')
  })

  test('that nobody names is empty', async () => {
    expect(await secrets().secret(undefined, GITHUB)).toBe('')
    expect(await secrets().configMap(null)).toBeUndefined()
  })

  test.each([
    [{ secretName: '..', key: 'outside' }, 'HOST_CONFIG_INVALID ".." cannot be a secretName'],
    [{ secretName: 'bot/../bot', key: 'token' }, 'HOST_CONFIG_INVALID "bot/../bot" cannot be a secretName'],
    [{ secretName: 'bot', key: '../outside' }, 'HOST_CONFIG_INVALID "../outside" cannot be a key'],
    [{ secretName: 'bot', key: '..' }, 'HOST_CONFIG_INVALID ".." cannot be a key'],
    [{ secretName: 'bot', key: '..data' }, 'HOST_CONFIG_INVALID "..data" cannot be a key'],
    [{ secretName: 7, key: 'x' }, 'HOST_CONFIG_INVALID "7" cannot be a secretName'],
    ['bot', 'HOST_CONFIG_INVALID "undefined" cannot be a secretName'],
    [
      { secretName: 'bot', key: 'folder' },
      'HOST_SECRET_MISSING key "folder" in secret bot is no file of at most 65536 bytes',
    ],
    [
      { secretName: 'bot', key: 'large' },
      'HOST_SECRET_MISSING key "large" in secret bot is no file of at most 65536 bytes',
    ],
    [{ secretName: 'bot', key: 'other' }, 'HOST_SECRET_MISSING key "other" in secret bot not found'],
    [
      { secretName: 'none', key: 'token' },
      'HOST_SECRET_MISSING error fetching secret none: there is none in the secrets folder',
    ],
    [{ secretName: 'other', key: 'token' }, 'HOST_SECRET_FORBIDDEN secret "other" was not asked for'],
  ])('named %j is not read', async (reference, message) => {
    expect(await said(secrets().secret(reference, GITHUB))).toBe(message)
  })

  test('needs a folder', async () => {
    const none = secrets({ secretsFolder: undefined })
    expect(await said(none.secret({ secretName: 'bot', key: 'token' }, GITHUB))).toBe(
      'HOST_SECRET_MISSING error fetching secret bot: secretsFolder is not set in hub.yaml',
    )
  })

  test.each([
    ["a provider's public address", {}, GITHUB, true],
    ['an allowed provider', { allowedProviders: ['https://ghe.example.com'] }, 'https://ghe.example.com/api/v3/', true],
    ['another host', { allowedProviders: ['https://ghe.example.com'] }, 'https://evil.example.com/', false],
    [
      'an allowed host without encryption',
      { allowedProviders: ['https://ghe.example.com'] },
      'http://ghe.example.com/',
      false,
    ],
    [
      'the name of an allowed host as a beginning',
      { allowedProviders: ['https://ghe.example.com'] },
      'https://ghe.example.com.evil.org/',
      false,
    ],
    [
      'one of its own hosts',
      { secrets: [{ name: 'bot', hosts: ['https://git.example.com/team'] }] },
      'https://git.example.com/team/api/',
      true,
    ],
    [
      'beside the path of its own host',
      { secrets: [{ name: 'bot', hosts: ['https://git.example.com/team'] }] },
      'https://git.example.com/teams/',
      false,
    ],
    [
      'a public address, when it has its own hosts',
      { secrets: [{ name: 'bot', hosts: ['https://git.example.com'] }] },
      GITHUB,
      false,
    ],
  ])('goes where it may: %s', async (_, settings, baseUrl, goes) => {
    const answer = await said(secrets(settings).secret({ secretName: 'bot', key: 'token' }, baseUrl))
    expect(answer.startsWith('no failure')).toBe(goes)
    if (!goes) expect(answer).toMatch(/^HOST_SECRET_FORBIDDEN secret "bot" may not be sent to/)
  })
})

describe('who may use a secret (Fleet GHSA-xr65-5cpm-g36x: it was read across teams)', () => {
  const all: Trust = { kind: 'all' }
  const shop: Trust = { kind: 'projects', projects: ['shop-*'] }
  const granted = [{ name: 'bot', projects: ['shop-*', 'web'] }]

  test.each([
    ['a source for everything, without a grant', 'web', all, [], undefined],
    [
      'a source of projects, without a grant',
      'shop-a',
      shop,
      [],
      'is not granted to any project, and this config source is limited to projects',
    ],
    ['a granted project', 'shop-a', shop, granted, undefined],
    [
      'a project that is not granted, even from a source for everything',
      'other',
      all,
      granted,
      'is not granted to project "other"',
    ],
    ['a granted project that is not of the source', 'web', shop, granted, 'may not use secrets of project "web"'],
    ['a template, from a source for everything', '{{project}}', all, granted, undefined],
    ['a template, where all that it can become is granted', '{{project}}', shop, granted, undefined],
    [
      'a template, where something is not',
      '{{p}}',
      { kind: 'projects', projects: ['shop-*', 'x'] } as Trust,
      granted,
      'is not granted to project "x"',
    ],
    ['no project is the one named default', '', all, granted, 'is not granted to project "default"'],
    ['everyone', 'x', { kind: 'projects', projects: ['x'] } as Trust, [{ name: 'bot', projects: ['*'] }], undefined],
  ])('%s', (_, project, trust, grants, refusal) => {
    const said = secretRefusal('bot', { project, trust }, grants)
    if (refusal === undefined) expect(said).toBeUndefined()
    else expect(said).toContain(refusal)
  })

  test('every secret that a configuration names is found', () => {
    const config = {
      ...{ tokenRef: { secretName: 'a', key: 'k' }, appSecretName: 'b' },
      ...{ basicAuth: { passwordRef: { secretName: 'c', key: 'k' } }, list: [{ secretName: 'd' }], other: 'e' },
    }
    expect(secretsNamed(config)).toEqual(['a', 'b', 'c', 'd'])
  })
})
