import * as fs from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { commitFiles } from '@flotilla/cli/demo/demo-repository'
import * as git from 'isomorphic-git'
import { dump } from 'js-yaml'

/** A config repository with a cluster for each name and one Application a folder `apps/<app>/<cluster>`. */
export class SmallFleet {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  static async create(
    directory: string,
    clusters: readonly string[],
    apps: readonly string[],
    syncOptions: readonly string[] = [],
  ): Promise<SmallFleet> {
    await mkdir(directory, { recursive: true })
    await git.init({ fs, dir: directory, defaultBranch: 'main' })
    const fleet = new SmallFleet(directory)
    const files: Record<string, string> = {
      'fleet/project.yaml': dump(project(fleet.url)),
      'fleet/set.yaml': dump(applicationSet(fleet.url, syncOptions)),
    }
    for (const cluster of clusters) {
      files[`fleet/clusters/${cluster}.yaml`] = dump(clusterDocument(cluster))
      for (const app of apps)
        files[`apps/${app}/${cluster}/app.yaml`] = `${dump(configMap(app, 'one'))}---\n${dump(deployment(app))}`
    }
    await fleet.commit(files)
    return fleet
  }

  get url(): string {
    return pathToFileURL(this.directory).href
  }

  /** Writes these files and commits; undefined removes one. Returns the commit's id. */
  async commit(files: Readonly<Record<string, string | undefined>>): Promise<string> {
    const written = new Map<string, string>()
    for (const [path, text] of Object.entries(files)) {
      if (text !== undefined) written.set(path, text)
      else {
        await fs.promises.rm(`${this.directory}/${path}`, { force: true })
        await git.remove({ fs, dir: this.directory, filepath: path })
      }
    }
    return await commitFiles(this.directory, written, 'Change')
  }

  /** The branch gets another history with the same files: what a forced push after a rewrite looks like. */
  async rewrite(): Promise<string> {
    const author = { name: 'Rewriter', email: 'rewriter@flotilla.invalid' }
    return await git.commit({ fs, dir: this.directory, message: 'Begin again', author, parent: [] })
  }

  /** Commits a link that was put into the checkout. */
  async addLink(path: string): Promise<void> {
    await git.add({ fs, dir: this.directory, filepath: path })
    await this.commit({})
  }

  /** The ConfigMap of one Application says something else. */
  async say(app: string, cluster: string, value: string): Promise<string> {
    return await this.commit({
      [`apps/${app}/${cluster}/app.yaml`]: `${dump(configMap(app, value))}---\n${dump(deployment(app))}`,
    })
  }
}

function project(repoURL: string): object {
  return {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'Project',
    metadata: { name: 'shop' },
    spec: {
      sourceRepos: [repoURL],
      destinations: [{ name: '*', namespace: 'shop' }],
      clusterResourceWhitelist: [{ group: '', kind: 'Namespace' }],
    },
  }
}

function applicationSet(repoURL: string, syncOptions: readonly string[]): object {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'shop' },
    spec: {
      generators: [{ git: { repoURL, revision: 'main', directories: [{ path: 'apps/*/*' }] } }],
      template: {
        metadata: { name: '{{path[1]}}-{{path.basename}}' },
        spec: {
          project: 'shop',
          source: { repoURL, targetRevision: 'main', path: '{{path}}' },
          destination: { name: '{{path.basename}}', namespace: 'shop' },
          syncPolicy: {
            automated: { prune: true, selfHeal: true },
            syncOptions: ['CreateNamespace=true', ...syncOptions],
          },
        },
      },
    },
  }
}

function clusterDocument(name: string): object {
  return { apiVersion: 'flotilla.dev/v1alpha1', kind: 'Cluster', metadata: { name }, spec: { environment: 'prod' } }
}

export function configMap(name: string, value: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } }
}

export function deployment(name: string): object {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'registry.example.com/app:1' }] } },
    },
  }
}
