import { groupOf, type KubernetesObject } from '@flotilla/core/model/kubernetes-object'

/** Objects as an Application of some size has them: of 1,000, 400 ConfigMaps, 200 Secrets, 200 Services and so on. */
const SHARES = [
  ['ConfigMap', 40],
  ['Secret', 20],
  ['Service', 20],
  ['Deployment', 10],
  ['Role', 5],
  ['RoleBinding', 5],
] as const

/** @param version Another one changes every object, in fields that may be changed. */
export function mixedObjects(count: number, version: string): readonly KubernetesObject[] {
  return SHARES.flatMap(([kind, share]) =>
    Array.from({ length: Math.round((count * share) / 100) }, (_, index) =>
      objectOf(kind, `${kind.toLowerCase()}-${index}`, version),
    ),
  )
}

function objectOf(kind: (typeof SHARES)[number][0], name: string, version: string): KubernetesObject {
  const metadata = { name, labels: { app: name, version } }
  const text = 'a line of settings, as they are\n'.repeat(4)
  if (kind === 'ConfigMap') return { apiVersion: 'v1', kind, metadata, data: { version, text } }
  if (kind === 'Secret') {
    return {
      apiVersion: 'v1',
      kind,
      metadata,
      type: 'Opaque',
      data: { password: Buffer.from(version).toString('base64') },
    }
  }
  if (kind === 'Service') {
    const ports = [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }]
    return { apiVersion: 'v1', kind, metadata, spec: { selector: { app: name }, ports } }
  }
  if (kind === 'Deployment') {
    const resources = { requests: { cpu: '100m', memory: '64Mi' } }
    const containers = [
      { name: 'web', image: `registry.example.com/web:${version}`, ports: [{ containerPort: 8080 }], resources },
    ]
    const template = { metadata: { labels: { app: name } }, spec: { containers } }
    return {
      apiVersion: 'apps/v1',
      kind,
      metadata,
      spec: { replicas: 1, selector: { matchLabels: { app: name } }, template },
    }
  }
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  if (kind === 'Role') {
    return { apiVersion, kind, metadata, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }] }
  }
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: name.replace('rolebinding', 'role') }
  return {
    apiVersion,
    kind,
    metadata,
    roleRef,
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
  }
}

/** Where the API serves an object of these kinds. */
export function pathOf({ apiVersion, kind, metadata }: KubernetesObject, namespace: string): string {
  const root = groupOf(apiVersion) === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`
  return `${root}/namespaces/${namespace}/${kind.toLowerCase()}s/${metadata.name}`
}
