import type { JsonObject } from '@flotilla/core/json/json'
import type { ClusterSpec, RepositorySpec } from '@flotilla/core/model/fleet'
import type { Problem } from '../problem.ts'
import { argoSecretDocument, SECRET_TYPE_LABEL } from '../schema/argo-secret.ts'
import { isServerUrl } from '../schema/cluster.ts'
import { type KindReader, type KindReading, member, nameOf, textOf } from './kind.ts'

const LOCAL_SERVER = 'https://kubernetes.default.svc'
/** What a Secret of Argo CD may say without giving anything away; the rest is never kept. */
const PUBLIC_KEYS = new Set(['name', 'server', 'project', 'namespaces', 'clusterResources', 'shard', 'url', 'type'])

/** `cluster`, `repository`, `repo-creds` …: what the Secret is to Argo CD; undefined for any other Secret. */
export function argoSecretType(document: JsonObject): string | undefined {
  return textOf(member(member(document, 'metadata'), 'labels')[SECRET_TYPE_LABEL])
}

function readClusterSecret(document: JsonObject): KindReading {
  const values = publicValues(document)
  const server = values.get('server') ?? ''
  const name = values.get('name') || server
  const problems: Problem[] = [...credentialsWarning(document)]
  if (server === '') problems.push(missing('server'))
  else if (!isServerUrl(server)) {
    problems.push({ ...missing('server'), code: 'INVALID_VALUE', message: 'server is not an https:// URL' })
  }
  const project = values.get('project')
  const cluster: ClusterSpec = {
    ...(project ? { project } : {}),
    timeZone: 'UTC',
    servers: server === '' ? [] : [server],
    local: server === LOCAL_SERVER,
  }
  return { name, spec: cluster, problems, document: withoutSecrets(document, values) }
}

function readRepositorySecret(document: JsonObject): KindReading {
  const values = publicValues(document)
  const url = values.get('url') ?? ''
  const problems: Problem[] = [...credentialsWarning(document)]
  if (url === '') problems.push(missing('url'))
  const repository: RepositorySpec = { url }
  return { name: nameOf(document), spec: repository, problems, document: withoutSecrets(document, values) }
}

function missing(key: string): Problem {
  const message = `the Secret has no ${key}`
  return { code: 'MISSING_FIELD', severity: 'error', path: ['stringData', key], message, hint: `add stringData.${key}` }
}

/** `stringData` wins over `data`, as in Kubernetes. */
function publicValues(document: JsonObject): Map<string, string> {
  const values = new Map<string, string>()
  for (const [key, value] of Object.entries(member(document, 'data'))) {
    if (PUBLIC_KEYS.has(key)) values.set(key, Buffer.from(String(value), 'base64').toString('utf8').trim())
  }
  for (const [key, value] of Object.entries(member(document, 'stringData'))) {
    if (PUBLIC_KEYS.has(key)) values.set(key, String(value).trim())
  }
  return values
}

function credentialsWarning(document: JsonObject): Problem[] {
  for (const field of ['data', 'stringData']) {
    const secret = Object.keys(member(document, field)).find(key => !PUBLIC_KEYS.has(key))
    if (secret === undefined) continue
    const message = `${field}.${secret} is ignored: agents and hub use credentials of their own`
    const hint = 'take credentials out of Git, and consider them known'
    return [{ code: 'CREDENTIALS_IGNORED', severity: 'warning', path: [field, secret], at: 'key', message, hint }]
  }
  return []
}

function withoutSecrets(document: JsonObject, values: ReadonlyMap<string, string>): JsonObject {
  const { data: _, stringData: __, ...rest } = document
  return { ...rest, stringData: Object.fromEntries(values) }
}

function reader(kind: 'Cluster' | 'Repository', read: (document: JsonObject) => KindReading): KindReader {
  return { apiVersion: 'v1', writtenKind: 'Secret', kind, group: 'argoproj.io', schema: argoSecretDocument, read }
}

export const clusterSecretReader = reader('Cluster', readClusterSecret)
export const repositorySecretReader = reader('Repository', readRepositorySecret)
