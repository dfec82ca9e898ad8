import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { nearest } from '@flotilla/core/text/nearest'
import { holdsGenerator } from '@flotilla/generators/holds-generator'
import { type Path, type Problem, pathText } from '../problem.ts'
import { listOf, textOf } from './kind.ts'

const OURS = 'flotilla.dev/v1alpha1'

/** What a set may make under `spec.documents`. */
export const SET_KINDS: readonly string[] = [
  'Project',
  'Cluster',
  'Repository',
  'SyncWindow',
  'FreezePeriod',
  'Team',
  'AccessPolicy',
  'NotificationRoute',
]

/** Why a set may not make a document of this kind, if there is a reason; the path is inside the document. */
export function kindRefusal(document: JsonObject): Problem | undefined {
  const apiVersion = textOf(document['apiVersion'])
  const kind = textOf(document['kind'])
  const refused = (path: Path, message: string, hint: string): Problem => ({
    code: 'UNSUPPORTED_SET_KIND',
    severity: 'error',
    path,
    message,
    hint,
  })
  if (apiVersion !== OURS) return refused(['apiVersion'], `a set makes documents of ${OURS}`, `write ${OURS}`)
  if (kind !== undefined && SET_KINDS.includes(kind)) return undefined
  if (kind === 'Application') {
    return refused(['kind'], 'Applications are made from spec.template', 'move it to spec.template')
  }
  const meant = kind === undefined ? undefined : nearest(kind, SET_KINDS)
  return refused(
    ['kind'],
    `a set cannot make a ${kind ?? 'document without a kind'}`,
    meant === undefined ? KINDS_HINT : `did you mean "${meant}"?`,
  )
}

const KINDS_HINT = `a set makes ${SET_KINDS.join(', ')}`

/**
 * What is wrong with `spec.documents`. Their kinds are written out, never templates: what a set makes must not depend
 * on what it makes, so that one that reads Clusters makes none.
 */
export function documentsProblems(spec: JsonObject): Problem[] {
  const documents = spec['documents']
  if (documents === undefined) {
    if (spec['template'] !== undefined) return []
    const path: Path = ['spec', 'template']
    const message = `${pathText(path)} is missing`
    return [{ code: 'MISSING_FIELD', severity: 'error', path, at: 'key', message, hint: 'add it, or spec.documents' }]
  }
  return listOf(documents).flatMap((document, index) =>
    isJsonObject(document) ? documentProblems(document, ['spec', 'documents', index], spec) : [],
  )
}

function documentProblems(document: JsonObject, path: Path, spec: JsonObject): Problem[] {
  const refusal = kindRefusal(document)
  if (refusal !== undefined) return [{ ...refusal, path: [...path, ...refusal.path] }]
  const { kind } = document
  if (kind === 'Cluster' && readsClusters(spec['generators'])) return [circular(path, 'reads Clusters and makes them')]
  if (kind === 'Project' && spec['project'] !== undefined) {
    return [circular(path, 'carries a Project, which decides what it sees, and makes Projects')]
  }
  return []
}

function readsClusters(generators: Json | undefined): boolean {
  return holdsGenerator('clusters', generators) || holdsGenerator('clusterDecisionResource', generators)
}

function circular(path: Path, what: string): Problem {
  return {
    code: 'INVALID_VALUE',
    severity: 'error',
    path: [...path, 'kind'],
    message: `the set ${what}: it would never come to rest`,
    hint: 'read something else, a list or a repository',
  }
}
