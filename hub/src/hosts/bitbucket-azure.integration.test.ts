import { describeProvider, TOKEN, TOKEN_REF } from './provider.conformance.ts'
import { AZURE_PROJECT, azureDevOpsRoutes } from './testing/azure-devops-server.ts'
import { bitbucketCloudRoutes } from './testing/bitbucket-cloud-server.ts'
import { bitbucketServerRoutes } from './testing/bitbucket-server-server.ts'
import { serveHost } from './testing/host-server.ts'

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
