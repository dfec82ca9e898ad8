import { describeProvider, TOKEN, TOKEN_REF } from './provider.conformance.ts'
import { giteaRoutes } from './testing/gitea-server.ts'
import { githubRoutes } from './testing/github-server.ts'
import { gitlabRoutes } from './testing/gitlab-server.ts'
import { serveHost } from './testing/host-server.ts'

describeProvider({
  name: 'GitHub',
  serve: content => serveHost(githubRoutes(content, { token: TOKEN })),
  scm: {
    provider: 'github',
    config: (api, organization) => ({ api, organization, tokenRef: TOKEN_REF }),
    withoutArchived: { excludeArchivedRepos: true },
    repositoryUrl: (organization, name, protocol) =>
      protocol === 'ssh'
        ? `git@github.com:${organization}/${name}.git`
        : `https://github.com/${organization}/${name}.git`,
    labels: true,
  },
  pullRequests: { provider: 'github', config: (api, owner, repo) => ({ api, owner, repo, tokenRef: TOKEN_REF }) },
})

describeProvider({
  name: 'GitLab',
  serve: content => serveHost(gitlabRoutes(content, { token: TOKEN })),
  scm: {
    provider: 'gitlab',
    config: (api, group) => ({ api, group, tokenRef: TOKEN_REF }),
    withoutArchived: {},
    withArchived: { includeArchivedRepos: true },
    repositoryUrl: (group, name, protocol) =>
      protocol === 'ssh' ? `git@gitlab.com:${group}/${name}.git` : `https://gitlab.com/${group}/${name}.git`,
    labels: true,
  },
  pullRequests: {
    provider: 'gitlab',
    config: (api, group, name, id) => ({
      ...{ api, project: id === 1 ? `${group}/${name}` : String(id), tokenRef: TOKEN_REF },
      ...{ pullRequestState: 'opened' },
    }),
  },
})

describeProvider({
  name: 'Gitea',
  serve: content => serveHost(giteaRoutes(content, { token: TOKEN })),
  scm: {
    provider: 'gitea',
    config: (api, owner) => ({ api, owner, tokenRef: TOKEN_REF }),
    withoutArchived: { excludeArchivedRepos: true },
    repositoryUrl: (owner, name, protocol) =>
      protocol === 'ssh' ? `git@gitea.example.com:${owner}/${name}.git` : `https://gitea.example.com/${owner}/${name}`,
    labels: true,
  },
  pullRequests: { provider: 'gitea', config: (api, owner, repo) => ({ api, owner, repo, tokenRef: TOKEN_REF }) },
})
