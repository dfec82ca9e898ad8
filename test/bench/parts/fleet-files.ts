import { AUTOMATED, clusterDocument, declarations, folders } from './declarations.ts'

/** A fleet of `clusters` × `applications` folders, one Application each: path → text. */
export function fleetFiles(shape: {
  readonly clusters: number
  /** Of each cluster. */
  readonly applications: number
  readonly repository: string
}): Record<string, string> {
  const { repository } = shape
  const fleet = declarations({
    repository,
    clusters: [],
    generator: folders(repository, 'apps/*/*'),
    application: '{{path.basename}}-{{path[1]}}',
    destination: { cluster: '{{path[1]}}', namespace: 'shop' },
    syncPolicy: AUTOMATED,
  })
  const files: Record<string, string> = { 'fleet/shop.yaml': fleet }
  for (const cluster of clusterNames(shape.clusters)) {
    files[`fleet/clusters/${cluster}.yaml`] = clusterDocument(cluster)
    for (let index = 0; index < shape.applications; index++) {
      Object.assign(files, folderFiles(cluster, `app-${index}`, 'first'))
    }
  }
  return files
}

export function clusterNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `cluster-${String(index).padStart(4, '0')}`)
}

/** What one Application's folder holds; `version` is what a commit changes. */
export function folderFiles(cluster: string, application: string, version: string): Record<string, string> {
  const folder = `apps/${cluster}/${application}`
  return {
    [`${folder}/config.yaml`]: `apiVersion: v1
kind: ConfigMap
metadata: {name: ${application}}
data: {version: "${version}", cluster: ${cluster}}
`,
    [`${folder}/deployment.yaml`]: `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${application}}
spec:
  replicas: 2
  selector: {matchLabels: {app: ${application}}}
  template:
    metadata: {labels: {app: ${application}}}
    spec:
      containers: [{name: main, image: "registry.example.com/${application}:1.0"}]
`,
  }
}
