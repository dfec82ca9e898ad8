import { expect, test } from 'vitest'
import { describeProvider, TOKEN, TOKEN_REF } from './provider.conformance.ts'
import { hostsForTest } from './testing/ask-provider.ts'
import { AZURE_PROJECT, azureDevOpsRoutes } from './testing/azure-devops-server.ts'
import { bitbucketCloudRoutes } from './testing/bitbucket-cloud-server.ts'
import { bitbucketServerRoutes } from './testing/bitbucket-server-server.ts'
import { type HostCall, type HostReply, serveHost } from './testing/host-server.ts'

const bearerToken = { tokenRef: TOKEN_REF }

describeProvider({
  name: 'Bitbucket Server',
  serve: content => serveHost(bitbucketServerRoutes(content, TOKEN)),
  scm: {
    provider: 'bitbucketServer',
    config: (api, project) => ({ api, project, bearerToken }),
    repositoryUrl: (project, name, protocol) =>
      protocol === 'ssh'
        ? `ssh://git@bitbucket.example.com:7999/${project}/${name}.git`
        : `https://bitbucket.example.com/scm/${project}/${name}.git`,
    labels: false,
  },
  pullRequests: {
    provider: 'bitbucketServer',
    config: (api, project, repo) => ({ api: `${api}/rest/`, project, repo, bearerToken }),
  },
})

describeProvider({
  name: 'Bitbucket Cloud',
  serve: content => serveHost(bitbucketCloudRoutes(content, TOKEN)),
  scm: {
    provider: 'bitbucket',
    config: (api, owner) => ({ api: `${api}/2.0`, owner, user: 'bot', appPasswordRef: TOKEN_REF }),
    repositoryUrl: (owner, name, protocol) =>
      protocol === 'ssh' ? `git@bitbucket.org:${owner}/${name}.git` : `https://bot@bitbucket.org/${owner}/${name}.git`,
    labels: false,
  },
  pullRequests: {
    provider: 'bitbucket',
    config: (api, owner, repo) => ({ api: `${api}/2.0/`, owner, repo, bearerToken }),
  },
})

describeProvider({
  name: 'Azure DevOps',
  serve: content => serveHost(azureDevOpsRoutes(content, TOKEN)),
  scm: {
    provider: 'azureDevOps',
    config: (api, organization) => ({ api, organization, teamProject: AZURE_PROJECT, accessTokenRef: TOKEN_REF }),
    repositoryUrl: (organization, name) => `https://dev.azure.com/${organization}/${AZURE_PROJECT}/_git/${name}`,
    labels: false,
    unpaged: true,
  },
  pullRequests: {
    provider: 'azuredevops',
    config: (api, organization, repo) => ({ api, organization, project: AZURE_PROJECT, repo, tokenRef: TOKEN_REF }),
    labels: true,
  },
})

test('a repository of Bitbucket Server is asked for by its slug, whatever its name', async () => {
  const own = (call: HostCall): HostReply => {
    const path = call.segments.slice(3).join('/')
    const clone = [{ name: 'ssh', href: 'ssh://git@bitbucket.example.com:7999/web/my-shop.git' }]
    const project = { key: 'WEB' }
    const value = { id: 1, slug: 'my-shop', name: 'My Shop', project, links: { clone } }
    if (path === 'projects/WEB/repos') return { status: 200, body: { values: [value], isLastPage: true } }
    if (path === 'projects/WEB/repos/my-shop/branches/default') {
      return { status: 200, body: { displayId: 'main', latestCommit: 'c' } }
    }
    if (path === 'projects/WEB/repos/my-shop/browse/x') return { status: 200, body: { type: 'FILE' } }
    return { status: 404, body: {} }
  }
  const server = await serveHost(own)
  const hosts = hostsForTest({ allowedProviders: [server.url] })
  const facts = { provider: 'bitbucketServer', project: 'web', trust: { kind: 'all' } } as const
  const config = { api: server.url, project: 'WEB' }
  const answer = await hosts.ask({ kind: 'scm-repositories', ...facts, config, cloneProtocol: '' })
  const repository = answer.kind === 'scm-repositories' ? answer.repositories[0] : undefined
  expect(repository).toMatchObject({ organization: 'WEB', repository: 'My Shop', branch: 'main', sha: 'c' })
  const exists = await hosts.ask({ kind: 'scm-path', ...facts, config, repository: repository!, path: 'x' })
  expect(exists).toEqual({ kind: 'scm-path', exists: true })
  hosts.close()
  await server.close()
})
