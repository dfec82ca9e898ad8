import { dump } from 'js-yaml'

/** The fleet that the demo declares: environments × clusters × applications, as a config repository would hold it. */
export interface DemoShape {
  /** In all; shared out evenly over the environments. */
  readonly clusters: number
  /** The repository's URL as Applications name it. */
  readonly repoURL: string
}

export const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const
export type Environment = (typeof ENVIRONMENTS)[number]

const APPLICATIONS = ['storefront', 'checkout', 'catalog', 'search', 'payments'] as const
const REPLICAS: { readonly [Name in Environment]: number } = { dev: 1, staging: 2, prod: 3 }

/** `dev-1`, `staging-1`, `prod-1`, `dev-2`, …: every environment has its share, whatever the number. */
export function demoClusters(count: number): readonly { readonly name: string; readonly environment: Environment }[] {
  return Array.from({ length: count }, (_, index) => {
    const environment = ENVIRONMENTS[index % ENVIRONMENTS.length]!
    return { name: `${environment}-${Math.floor(index / ENVIRONMENTS.length) + 1}`, environment }
  })
}

/** A file worth editing: one of the environments that have a cluster, production where it has one. */
export function demoFileToEdit(clusters: number): string {
  const environment = ENVIRONMENTS[Math.min(clusters, ENVIRONMENTS.length) - 1] ?? 'prod'
  return `apps/checkout/${environment}/config.yaml`
}

export function demoApplicationCount(clusters: number): number {
  return clusters * APPLICATIONS.length
}

/** Path → text of every file. */
export function demoFiles({ clusters, repoURL }: DemoShape): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  files.set('README.md', readme(demoFileToEdit(clusters)))
  files.set('fleet/projects/shop.yaml', yaml(project(repoURL)))
  files.set('fleet/applicationsets/shop.yaml', yaml(applicationSet(repoURL)))
  for (const { name, environment } of demoClusters(clusters)) {
    files.set(`fleet/clusters/${name}.yaml`, yaml(cluster(name, environment)))
  }
  for (const application of APPLICATIONS) {
    for (const environment of ENVIRONMENTS) {
      const folder = `apps/${application}/${environment}`
      files.set(`${folder}/config.yaml`, yaml(configMap(application, environment)))
      files.set(`${folder}/deployment.yaml`, yaml(deployment(application, environment)))
      files.set(`${folder}/service.yaml`, yaml(service(application)))
    }
  }
  return files
}

const readme = (fileToEdit: string): string => `# The demo's fleet

* \`fleet/\` declares clusters, a Project and one ApplicationSet: an Application for every folder \`apps/<app>/<environment>\`
  and every cluster of that environment.
* \`apps/\` holds what runs there.

Edit a file, commit, and watch. Some ideas:

* change \`greeting\` in \`${fileToEdit}\`: exactly the clusters of that environment change
* break a file (\`a: [1\`): its Applications say why and keep what they have
* add \`fleet/clusters/prod-9.yaml\` like its neighbours: Applications for it appear, waiting for its agent
* remove \`apps/search/dev\`: its Applications are withdrawn
`

function project(repoURL: string) {
  return {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'Project',
    metadata: { name: 'shop' },
    spec: {
      description: 'Everything that the shop runs',
      sourceRepos: [repoURL],
      destinations: [{ name: '*', namespace: 'shop' }],
      clusterResourceWhitelist: [{ group: '', kind: 'Namespace' }],
    },
  }
}

function applicationSet(repoURL: string) {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'ApplicationSet',
    metadata: { name: 'shop' },
    spec: {
      generators: [
        {
          matrix: {
            generators: [
              { git: { repoURL, revision: 'main', directories: [{ path: 'apps/*/*' }] } },
              { clusters: { selector: { matchLabels: { env: '{{path.basename}}' } } } },
            ],
          },
        },
      ],
      template: {
        metadata: { name: '{{path[1]}}-{{name}}', labels: { app: '{{path[1]}}', env: '{{path.basename}}' } },
        spec: {
          project: 'shop',
          source: { repoURL, targetRevision: 'main', path: '{{path}}' },
          destination: { name: '{{name}}', namespace: 'shop' },
          syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
        },
      },
    },
  }
}

function cluster(name: string, environment: Environment) {
  return {
    apiVersion: 'flotilla.dev/v1alpha1',
    kind: 'Cluster',
    metadata: { name, labels: { env: environment } },
    spec: { environment, timeZone: 'UTC' },
  }
}

function configMap(application: string, environment: Environment) {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: application },
    data: { greeting: `hello from ${application} in ${environment}` },
  }
}

function deployment(application: string, environment: Environment) {
  const labels = { app: application }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: application },
    spec: {
      replicas: REPLICAS[environment],
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            { name: 'main', image: `registry.example.com/${application}:1.4.2`, ports: [{ containerPort: 8080 }] },
          ],
        },
      },
    },
  }
}

function service(application: string) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: application },
    spec: { selector: { app: application }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  }
}

function yaml(value: object): string {
  return dump(value, { noRefs: true })
}
