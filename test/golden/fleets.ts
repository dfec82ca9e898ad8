import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** An example fleet, and a change of it that somebody may want to merge. */
export interface ExampleFleet {
  readonly name: string
  /** The folder of the config documents. */
  readonly config: string
  /** Of the repository that the example stands for. */
  readonly url: string
  /** Files of recorded inputs. */
  readonly inputs?: readonly string[]
  /** A hub.yaml with config sources of their own. */
  readonly sources?: string
  /** Which change: a sentence. */
  readonly about: string
  /** Edits of files; `null` removes one, or a folder. */
  readonly change: { readonly [path: string]: ((text: string) => string) | string | null }
}

const replace =
  (from: string | RegExp, to: string) =>
  (text: string): string => {
    const changed = text.replace(from, to)
    if (changed === text) throw new Error(`"${String(from)}" is not there any more`)
    return changed
  }

export const FLEETS: readonly ExampleFleet[] = [
  {
    name: 'three-environments',
    config: 'fleet',
    url: 'https://git.example.com/fleet/three-environments.git',
    about: 'one app more in dev, another greeting in production, a quota that goes',
    change: {
      'apps/search/dev/config.yaml':
        'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: search}\ndata: {level: debug}\n',
      'apps/checkout/prod/config.yaml': replace('GREETING: Hello from prod', 'GREETING: 10 % off'),
      'platform/quotas/search.yaml': null,
    },
  },
  {
    name: 'argo-migration',
    config: 'argocd',
    url: 'https://git.example.com/shop/deploy.git',
    about: 'a set under another name, and an addon more',
    change: {
      'argocd/applicationset-go-template.yaml': replace('name: shop-tools', 'name: shop-backends'),
      'addons/backup/cronjob.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: backup}\ndata: {at: "03:00"}\n',
    },
  },
  {
    name: 'clusters-and-apps',
    config: 'fleet',
    url: 'https://git.example.com/platform/clusters-and-apps.git',
    about: 'a cluster more, another password, and an app that goes everywhere at once',
    change: {
      'fleet/clusters.yaml': replace(
        'kind: Cluster\nmetadata: {name: lab, labels: {stage: lab',
        'kind: Cluster\nmetadata: {name: lab, labels: {stage: prod',
      ),
      'apps/ingress/secret.yaml': replace('not-a-real-password', 'another-password'),
      'apps/policies': null,
    },
  },
  {
    name: 'regions',
    config: 'fleet',
    url: 'https://git.example.com/web/regions.git',
    about: 'Europe gets an override, and the candidate moves on',
    change: {
      'regions/eu.yaml': 'region: eu\nvalues: {size: large}\n',
      'releases/candidate/deployment.yaml': replace('1.9.0-rc.1', '1.9.0-rc.2'),
    },
  },
  {
    name: 'team-sets',
    config: 'platform',
    url: 'https://git.example.com/company/team-sets.git',
    sources: 'hub.yaml',
    about: "a team that declares for another's Project, and a team within its own",
    change: {
      'teams/shop/sets.yaml': replace('project: shop', 'project: search'),
      'apps/index/config.yaml': replace('info', 'debug'),
    },
  },
  {
    name: 'monorepo-previews',
    config: 'fleet',
    url: 'https://github.com/example/monorepo-previews.git',
    inputs: ['inputs.yaml'],
    about: 'another image, and another label on every preview',
    change: {
      'web/base/web.yaml': replace('web:main', 'web:1.0.0'),
      'fleet/web.yaml': replace(
        "author: '{{ .author | lower }}'",
        "author: '{{ .author | lower }}', title: '{{ .title | substr 0 8 | trim | nospace }}'",
      ),
    },
  },
]

export const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

/** Every file of an example as it is, by its path. */
export function filesOf({ name }: ExampleFleet): { readonly [path: string]: string } {
  const folder = join(EXAMPLES, name)
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return Object.fromEntries(
    paths
      .filter(path => statSync(join(folder, path)).isFile())
      .map(path => [path, readFileSync(join(folder, path), 'utf8')]),
  )
}

/** What the change makes of the files: new content, or `null` for what goes. */
export function editsOf(fleet: ExampleFleet): { readonly [path: string]: string | null } {
  const files = filesOf(fleet)
  const edits: { [path: string]: string | null } = {}
  for (const [path, edit] of Object.entries(fleet.change)) {
    if (typeof edit === 'string') edits[path] = edit
    else if (edit !== null) edits[path] = edit(files[path] ?? '')
    else for (const file of Object.keys(files)) if (file === path || file.startsWith(`${path}/`)) edits[file] = null
  }
  return edits
}
