import type { JsonObject } from '@flotilla/core/json/json'
import { nearest } from '@flotilla/core/text/nearest'
import type { Problem } from '../problem.ts'
import { accessPolicyReader, rbacConfigMapReader } from './access-policy.ts'
import { applicationReaders } from './application.ts'
import { applicationSetReaders } from './application-set.ts'
import { argoSecretType, clusterSecretReader, repositorySecretReader } from './argo-secret.ts'
import { clusterReader } from './cluster.ts'
import { gateReaders } from './gates.ts'
import type { KindReader } from './kind.ts'
import { member, nameOf, textOf } from './kind.ts'
import { notificationRouteReader } from './notification-route.ts'
import { projectReaders } from './project.ts'
import { repositoryReader } from './repository.ts'
import { argoConfigMapReader } from './resource-customizations.ts'
import { argoSigningKeysReader, signingKeysReader } from './signing-keys.ts'
import { teamReader } from './team.ts'

export const KIND_READERS: readonly KindReader[] = [
  ...applicationSetReaders,
  ...applicationReaders,
  ...projectReaders,
  clusterReader,
  repositoryReader,
  ...gateReaders,
  teamReader,
  accessPolicyReader,
  notificationRouteReader,
  signingKeysReader,
]

const BY_TYPE = new Map(KIND_READERS.map(reader => [`${reader.apiVersion} ${reader.writtenKind}`, reader]))

export const OUR_KINDS: readonly string[] = KIND_READERS.filter(reader => reader.group === 'flotilla.dev').map(
  reader => reader.writtenKind,
)
export const ARGO_KINDS: readonly string[] = KIND_READERS.filter(reader => reader.group === 'argoproj.io').map(
  reader => reader.writtenKind,
)
const API_VERSIONS = ['flotilla.dev/v1alpha1', 'argoproj.io/v1alpha1']

export type Recognition =
  | { readonly kind: 'reader'; readonly reader: KindReader }
  /** Nothing to declare, and why. */
  | { readonly kind: 'none'; readonly problems: readonly Problem[] }

/** Finds how a document is to be read, by its apiVersion and kind; or says what is wrong with them. */
export function recognise(document: JsonObject): Recognition {
  const apiVersion = textOf(document['apiVersion'])
  const kind = textOf(document['kind'])
  if (apiVersion === undefined || kind === undefined) return refused(withoutType(document))
  const reader = BY_TYPE.get(`${apiVersion} ${kind}`)
  if (reader !== undefined) return { kind: 'reader', reader }
  if (apiVersion.startsWith('kustomize.config.k8s.io/')) return { kind: 'none', problems: [] }
  if (apiVersion === 'v1' && kind === 'Secret') return recogniseSecret(document)
  if (apiVersion === 'v1' && kind === 'ConfigMap' && nameOf(document) === 'argocd-rbac-cm') {
    return { kind: 'reader', reader: rbacConfigMapReader }
  }
  if (apiVersion === 'v1' && kind === 'ConfigMap' && nameOf(document) === 'argocd-cm') {
    return { kind: 'reader', reader: argoConfigMapReader }
  }
  if (apiVersion === 'v1' && kind === 'ConfigMap' && nameOf(document) === 'argocd-gpg-keys-cm') {
    return { kind: 'reader', reader: argoSigningKeysReader }
  }
  return refused(unknown(apiVersion, kind))
}

function refused(problem: Problem): Recognition {
  return { kind: 'none', problems: [problem] }
}

function withoutType(document: JsonObject): Problem {
  const lacking = ['apiVersion', 'kind'].filter(field => textOf(document[field]) === undefined)
  return {
    code: 'NOT_A_DOCUMENT',
    severity: 'error',
    path: [lacking[0]!],
    message: `the document has no ${lacking.join(' and no ')}`,
    hint: 'say what it is, or move the file out of the config path',
  }
}

function recogniseSecret(document: JsonObject): Recognition {
  const type = argoSecretType(document)
  if (type === 'cluster') return { kind: 'reader', reader: clusterSecretReader }
  if (type === 'repository') return { kind: 'reader', reader: repositorySecretReader }
  if (type === undefined) return refused(unknown('v1', 'Secret'))
  const message = `Secret of type ${type} is ignored: the hub has credentials of its own`
  return refused({ code: 'CREDENTIALS_IGNORED', severity: 'warning', path: ['kind'], message })
}

function unknown(apiVersion: string, kind: string): Problem {
  const group = apiVersion.split('/')[0]!
  if (group === 'flotilla.dev' || group === 'argoproj.io') {
    const kinds = group === 'flotilla.dev' ? OUR_KINDS : ARGO_KINDS
    if (kinds.includes(kind)) {
      const message = `${group} is read in version v1alpha1 only`
      return {
        code: 'UNSUPPORTED_VERSION',
        severity: 'error',
        path: ['apiVersion'],
        message,
        hint: `write apiVersion: ${group}/v1alpha1`,
      }
    }
    return unknownKind(`${group} has no kind ${kind}`, kindHint(group, kind, kinds))
  }
  const nearestVersion = nearest(apiVersion, API_VERSIONS)
  if (nearestVersion !== undefined) {
    return {
      ...unknownKind(`there is no apiVersion ${apiVersion}`, `did you mean "${nearestVersion}"?`),
      path: ['apiVersion'],
    }
  }
  const ours = [...OUR_KINDS, ...ARGO_KINDS].find(name => name === kind)
  const hint =
    ours === undefined
      ? 'manifests of workloads belong into a path that an Application names'
      : `for Flotilla's ${ours} write apiVersion: flotilla.dev/v1alpha1`
  return unknownKind(`a config repo holds no ${apiVersion} ${kind}`, hint)
}

function kindHint(group: string, kind: string, kinds: readonly string[]): string {
  if (group === 'flotilla.dev' && kind === 'AppProject') return 'did you mean "Project"?'
  if (group === 'argoproj.io' && kind === 'Project') return 'did you mean "AppProject"?'
  if (group === 'argoproj.io' && OUR_KINDS.includes(kind)) return `${kind} needs apiVersion: flotilla.dev/v1alpha1`
  const meant = nearest(kind, kinds)
  return meant === undefined ? `known kinds: ${kinds.join(', ')}` : `did you mean "${meant}"?`
}

function unknownKind(message: string, hint: string): Problem {
  return { code: 'UNKNOWN_KIND', severity: 'error', path: ['kind'], message, hint }
}

/** The items of a `List` (or an `ApplicationList` and its like), with their paths; undefined for any other document. */
export function listItems(document: JsonObject): readonly unknown[] | undefined {
  const kind = textOf(document['kind']) ?? ''
  const apiVersion = textOf(document['apiVersion']) ?? ''
  if (!kind.endsWith('List') || !Array.isArray(document['items'])) return undefined
  return apiVersion === 'v1' || API_VERSIONS.includes(apiVersion)
    ? (document['items'] as readonly unknown[])
    : undefined
}

export { member }
