import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { githubRoutes } from '@flotilla/hub/hosts/testing/github-server'
import { type HostContent, type HostServer, serveHost } from '@flotilla/hub/hosts/testing/host-server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runInProcess } from './testing/run-in-process.ts'

const branch = { name: 'main', sha: 'a'.repeat(40), files: ['deploy'] }
const CONTENT: HostContent = {
  organization: 'acme',
  repositories: ['web', 'shop', 'docs'].map((name, index) => ({
    ...{ id: index + 1, name, defaultBranch: 'main', labels: [] },
    branches: [name === 'docs' ? { ...branch, files: [] } : branch],
  })),
  pulls: {},
}

let folder: string
let host: HostServer

const fleet = (api: string): string => `
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: { name: apps }
spec:
  generators:
  - scmProvider:
      github: { organization: acme, api: '${api}', tokenRef: { secretName: github, key: token } }
      filters: [{ pathsExist: [deploy] }]
  template:
    metadata: { name: '{{repository}}' }
    spec:
      project: default
      source: { repoURL: '{{url}}', targetRevision: '{{sha}}', path: deploy }
      destination: { server: 'https://kubernetes.default.svc', namespace: x }
`

beforeEach(async () => {
  host = await serveHost(githubRoutes(() => CONTENT, { token: 'swordfish' }))
  folder = mkdtempSync(join(tmpdir(), 'online-'))
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  write('fleet/apps.yaml', fleet(host.url))
  write('secrets/github/token', 'swordfish\n')
  write('hub.yaml', `secretsFolder: ${folder}/secrets\nscm: { allowedProviders: ['${host.url}'] }\n`)
})

afterEach(async () => {
  await host.close()
  rmSync(folder, { recursive: true })
})

const expand = async (...args: readonly string[]) => await runInProcess(['expand', 'fleet', ...args], { cwd: folder })

describe('flotilla expand --online', () => {
  test('asks hosts with the Secrets of hub.yaml, and records what they answered for who cannot ask', async () => {
    const online = await expand('--online', 'hub.yaml', '--record', 'recorded.json', '-o', 'name')
    expect(online.stdout).toBe('web\nshop\n')
    expect(online.stderr).toContain('recorded.json: 7 answers')
    const recorded = readFileSync(join(folder, 'recorded.json'), 'utf8')
    expect(recorded).not.toContain('swordfish')
    expect(recorded).not.toContain('"trust"')
    host.forget()
    const offline = await expand('--inputs', 'recorded.json', '-o', 'name')
    expect(offline.stdout).toBe(online.stdout)
    expect(host.calls).toEqual([])
  })

  test('without either nobody is asked, and the set says so', async () => {
    const { stdout, stderr } = await expand('-o', 'name')
    expect(stdout).toBe('')
    expect(stderr).toContain('INPUT_UNAVAILABLE')
    expect(host.calls).toEqual([])
  })

  test('what the host says no to is told, and not recorded', async () => {
    writeFileSync(join(folder, 'secrets/github/token'), 'wrong')
    const { stderr } = await expand('--online', 'hub.yaml', '--record', 'recorded.json')
    expect(stderr).toContain('HOST_REFUSED')
    expect(readFileSync(join(folder, 'recorded.json'), 'utf8')).toBe('[]\n')
  })

  test('a hub.yaml that cannot be used is wrong usage', async () => {
    writeFileSync(join(folder, 'hub.yaml'), 'scm: { enabled: perhaps }\n')
    const { code, stderr } = await expand('--online', 'hub.yaml')
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('scm.enabled must be') })
  })
})
