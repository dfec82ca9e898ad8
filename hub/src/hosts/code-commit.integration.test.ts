import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '@flotilla/core/json/json'
import { createClock } from '@flotilla/core/ports/create-clock'
import type { HostedRepository, RepositoriesRequest } from '@flotilla/generators/inputs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { awsCodeCommitWith } from './aws-code-commit.ts'
import { type Environment, findAwsCredentials, readProfile } from './aws-credentials.ts'
import { HostApis } from './host-api.ts'
import { NodeHttpClient } from './node-http-client.ts'
import type { HostProvider, HostSession } from './provider.ts'
import { ACCOUNT, codeCommitRoutes, ROLE, WEB_TOKEN } from './testing/code-commit-server.ts'
import { type HostContent, type HostServer, serveHost } from './testing/host-server.ts'

const REGION = 'eu-central-1'
const OWN = { id: 'AKIAOWN', secret: 'own/secret+' }
const CONTENT: HostContent = {
  organization: ACCOUNT,
  repositories: Array.from({ length: 27 }, (_, index) => ({
    id: index,
    name: `repo-${index}`,
    defaultBranch: index === 26 ? '' : 'main',
    labels: [],
    branches: [
      { name: 'main', sha: '', files: ['README.md', 'deploy/prod/app.yaml'] },
      { name: 'feature/x', sha: '', files: ['new.txt'] },
      { name: 'third', sha: '', files: ['a'] },
    ],
  })),
  pulls: {},
}
const TAGS = {
  'repo-0': { team: 'web', env: 'prod' },
  'repo-1': { team: 'web', env: 'test' },
  'repo-2': { team: 'data' },
}

const clock = createClock(globalThis)
const http = new NodeHttpClient({ clock, environment: {} })
const never = new AbortController().signal
let server: HostServer
let sessions: Map<string, HostSession>

beforeEach(async () => {
  server = await serveHost(codeCommitRoutes(() => CONTENT, { own: OWN, region: REGION, tags: TAGS }))
  sessions = new Map()
})
afterEach(async () => {
  await server.close()
  http.close()
})

function environment(more: Environment = {}): Environment {
  const endpoints = { AWS_ENDPOINT_URL_CODECOMMIT: server.url, AWS_ENDPOINT_URL_STS: server.url }
  return { ...endpoints, AWS_ACCESS_KEY_ID: OWN.id, AWS_SECRET_ACCESS_KEY: OWN.secret, AWS_REGION: REGION, ...more }
}

async function connected(config: JsonObject, more: Environment = {}) {
  const provider: HostProvider = awsCodeCommitWith(environment(more))
  const apis = new HostApis({ http, clock })
  const connection = await provider.connect(config, {
    secrets: { secret: async () => '', secretKeys: async () => new Map(), configMap: async () => undefined },
    now: () => clock.now(),
    session: async (key, open) => {
      const known = sessions.get(key) ?? (await open())
      sessions.set(key, known)
      return known.value
    },
    api: other => apis.open(other, never),
  })
  return { provider, api: apis.open(connection, never), connection }
}

const facts = { provider: 'awsCodeCommit', project: 'web', trust: { kind: 'all' } } as const

async function listed(config: JsonObject, cloneProtocol = '', more: Environment = {}) {
  const { provider, api } = await connected(config, more)
  const request: RepositoriesRequest = { kind: 'scm-repositories', ...facts, config, cloneProtocol }
  return await provider.repositories!(request, api)
}

describe('AWS CodeCommit', () => {
  it('lists the repositories of all pages, less those that are empty, each signed for', async () => {
    const found = await listed({})
    expect(found).toHaveLength(26)
    expect(found[0]).toEqual({
      organization: ACCOUNT,
      repository: 'repo-0',
      url: `ssh://git-codecommit.${REGION}.amazonaws.com/v1/repos/repo-0`,
      branch: 'main',
      sha: '',
      labels: [],
      repositoryId: 'id-0',
    })
    const batches = server.calls.filter(call => String(call.headers['x-amz-target']).endsWith('BatchGetRepositories'))
    expect(batches).toHaveLength(2)
  })

  it('gives the URL by which it is to be cloned', async () => {
    const first = async (protocol: string) => (await listed({}, protocol))[0]?.url
    expect(await first('https')).toBe(`https://git-codecommit.${REGION}.amazonaws.com/v1/repos/repo-0`)
    expect(await first('https-fips')).toBe(`https://git-codecommit-fips.${REGION}.amazonaws.com/v1/repos/repo-0`)
    await expect(first('git')).rejects.toThrow('unknown clone protocol for CodeCommit git')
  })

  const tagged: { readonly [sentence: string]: readonly [JsonObject[], string[]] } = {
    'by a tag and its value': [[{ key: 'env', value: 'prod' }], ['repo-0']],
    'by a tag, whatever its value': [[{ key: 'team' }], ['repo-0', 'repo-1', 'repo-2']],
    'by either value of one tag': [
      [
        { key: 'env', value: 'prod' },
        { key: 'env', value: 'test' },
      ],
      ['repo-0', 'repo-1'],
    ],
    'by several tags at once': [
      [
        { key: 'team', value: 'web' },
        { key: 'env', value: 'test' },
      ],
      ['repo-1'],
    ],
    'by a tag that nobody has': [[{ key: 'owner' }], []],
  }
  for (const [sentence, [tagFilters, names]] of Object.entries(tagged)) {
    it(`lists repositories ${sentence}`, async () => {
      expect((await listed({ tagFilters })).map(({ repository }) => repository)).toEqual(names)
    })
  }

  it('gives the default branch, or all branches of all pages', async () => {
    const [repository] = await listed({})
    const { provider, api } = await connected({})
    const branches = async (config: JsonObject) =>
      (await provider.branches!({ kind: 'scm-branches', ...facts, config, repository: repository! }, api)).map(
        ({ branch }) => branch,
      )
    expect(await branches({})).toEqual(['main'])
    expect(await branches({ allBranches: true })).toEqual(['main', 'feature/x', 'third'])
  })

  it('knows files and folders of a branch, and asks for no folder that is not there', async () => {
    const [repository] = await listed({})
    const { provider, api } = await connected({})
    const exists = async (path: string, branch = 'main') => {
      const at: HostedRepository = { ...repository!, branch }
      return await provider.pathExists!({ kind: 'scm-path', ...facts, config: {}, repository: at, path }, api)
    }
    for (const path of ['README.md', 'deploy', 'deploy/prod', 'deploy/prod/app.yaml'])
      expect(await exists(path)).toBe(true)
    for (const path of ['readme.md', 'deploy/test', 'deploy/prod/app.yaml/x', '../x'])
      expect(await exists(path)).toBe(false)
    expect(await exists('new.txt', 'feature/x')).toBe(true)
    await expect(exists('x', 'gone')).rejects.toMatchObject({ code: 'HOST_FAILED' })
  })

  it('takes on a role once, and asks as the role from then on', async () => {
    await listed({ role: ROLE })
    await listed({ role: ROLE })
    const asked = server.calls.filter(call => call.query.get('Action') === 'AssumeRole')
    expect(asked).toHaveLength(1)
    const later = server.calls.filter(call => call.headers['x-amz-target'] !== undefined)
    expect(later.every(call => call.headers['x-amz-security-token'] === 'role-session')).toBe(true)
    // The names of what is remembered hold no secret.
    expect(JSON.stringify([...sessions.keys()])).not.toContain(OWN.secret)
    await expect(listed({ role: 'arn:aws:iam::1:role/other' })).rejects.toMatchObject({ code: 'HOST_REFUSED' })
  })

  it('inside a Pod with an identity of its own asks as the role of that identity, which may take on another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-aws-'))
    const path = join(folder, 'token')
    await writeFile(path, `${WEB_TOKEN}\n`)
    const pod = {
      ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
      ...{ AWS_WEB_IDENTITY_TOKEN_FILE: path, AWS_ROLE_ARN: 'arn:aws:iam::1:role/hub' },
    }
    expect(await listed({}, '', pod)).toHaveLength(26)
    expect(await listed({ role: ROLE }, '', pod)).toHaveLength(26)
    const actions = server.calls.flatMap(call => call.query.get('Action') ?? [])
    expect(actions).toEqual(['AssumeRoleWithWebIdentity', 'AssumeRole'])
    // Rotated: another token opens another session, and one that is refused is not told.
    await writeFile(path, 'an0ther-token')
    const refused = listed({}, '', pod)
    await expect(refused).rejects.toMatchObject({ code: 'HOST_REFUSED' })
    await expect(refused).rejects.not.toThrow('an0ther-token')
    await rm(folder, { recursive: true })
    await expect(listed({}, '', pod)).rejects.toThrow('AWS_WEB_IDENTITY_TOKEN_FILE cannot be read')
  })

  it('is refused with another secret or in another region, and says no credentials', async () => {
    await expect(listed({}, '', { AWS_SECRET_ACCESS_KEY: 'wrong' })).rejects.toMatchObject({ code: 'HOST_REFUSED' })
    await expect(listed({ region: 'us-east-1' })).rejects.toMatchObject({ code: 'HOST_REFUSED' })
    await expect(listed({}, '', { AWS_SECRET_ACCESS_KEY: 'wr0ng-secret' })).rejects.not.toThrow('wr0ng-secret')
  })

  it('a region is one of AWS, because it becomes part of a host’s name', async () => {
    for (const region of ['evil.example.com/#', 'eu-central-1.evil', 'EU', '-1', '']) {
      await expect(connected({ region }, { AWS_REGION: '' })).rejects.toThrow('region must be an AWS region')
    }
    for (const region of ['us-gov-west-1', 'ap-southeast-2']) {
      const own = { AWS_ENDPOINT_URL_CODECOMMIT: undefined }
      const { connection } = await connected({ region }, own)
      expect(connection.baseUrl).toBe(`https://codecommit.${region}.amazonaws.com/`)
    }
  })
})

describe('AWS credentials', () => {
  it('come from the environment, else from a profile of the shared file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-aws-'))
    const path = join(folder, 'credentials')
    await writeFile(
      path,
      '# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=B=\n\n[other]\r\nAWS_ACCESS_KEY_ID=C\r\naws_secret_access_key = D\r\naws_session_token = E\r\n[half]\naws_access_key_id = F\n',
    )
    const file = { AWS_SHARED_CREDENTIALS_FILE: path }
    expect(await findAwsCredentials(file)).toEqual({ accessKeyId: 'A', secretAccessKey: 'B=' })
    expect(await findAwsCredentials({ ...file, AWS_PROFILE: 'other' })).toEqual({
      accessKeyId: 'C',
      secretAccessKey: 'D',
      sessionToken: 'E',
    })
    expect(await findAwsCredentials({ ...file, AWS_ACCESS_KEY_ID: 'X', AWS_SECRET_ACCESS_KEY: 'Y' })).toEqual({
      accessKeyId: 'X',
      secretAccessKey: 'Y',
    })
    for (const AWS_PROFILE of ['half', 'absent']) {
      await expect(findAwsCredentials({ ...file, AWS_PROFILE })).rejects.toMatchObject({ code: 'HOST_SECRET_MISSING' })
    }
    await expect(findAwsCredentials({ HOME: folder })).rejects.toThrow('there are no AWS credentials')
    await rm(folder, { recursive: true })
  })

  it('a profile of the other file is one too', () => {
    expect(readProfile('[profile x]\naws_access_key_id=A\naws_secret_access_key=B', 'x')).toEqual({
      accessKeyId: 'A',
      secretAccessKey: 'B',
    })
  })
})
