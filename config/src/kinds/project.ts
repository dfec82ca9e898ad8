import { type ProjectRole, projectRoleMistakes } from '@flotilla/core/access/project-role'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { ApiGroup } from '@flotilla/core/model/application'
import type { GroupKindRule, ProjectDestination, ProjectSpec } from '@flotilla/core/model/fleet'
import { type OrphanIgnore, orphanIgnoreMistake } from '@flotilla/core/orphans/orphan-rules'
import { type DestinationServiceAccount, serviceAccountMistake } from '@flotilla/core/project/service-account'
import { type SourceIntegrityFields, sourceIntegrityMistakes } from '@flotilla/core/project/source-integrity'
import type { Problem } from '../problem.ts'
import { argoProjectDocument, PROJECT_ADDITIONS, projectDocument } from '../schema/project.ts'
import { budgetProblems } from './budget-problems.ts'
import { type GateFound, type KindReader, listOf, member, nameOf, textOf } from './kind.ts'
import { syncWindowProblems } from './sync-window-problems.ts'

/** Of `sourceIntegrity`, what restricts sources that are not rendered yet: ignored, it would leave a hole. */
const RESTRICTING = ['helm', 'oci'] as const
/** Fields that give or show more: ignored, somebody sees or may do less. */
const GRANTING = ['sourceNamespaces'] as const

function readProject(document: JsonObject) {
  const spec = member(document, 'spec')
  const name = nameOf(document)
  const problems: Problem[] = [...budgetProblems(document)]
  const gates: GateFound[] = []
  for (const field of RESTRICTING) {
    if (!isSet(member(spec, 'sourceIntegrity')[field])) continue
    const path = ['spec', 'sourceIntegrity', field]
    gates.push({ path, what: `sourceIntegrity.${field} of Project "${name}"` })
    const message = `sourceIntegrity.${field} restricts what may be done and is not enforced yet: Applications of this project are held`
    problems.push({ ...unsupported(field, message), path, severity: 'error', blocking: false })
  }
  problems.push(...signatureProblems(spec))
  problems.push(...serviceAccountProblems(spec), ...syncWindowProblems(spec), ...roleProblems(name, spec))
  problems.push(...orphanProblems(spec))
  for (const field of GRANTING) {
    if (isSet(spec[field])) problems.push(unsupported(field, `${field} has no effect yet`))
  }
  return { name, spec: specOf(spec), problems, gates }
}

function signatureProblems(spec: JsonObject): Problem[] {
  return sourceIntegrityMistakes(spec as unknown as SourceIntegrityFields).map(({ path, message }) => ({
    ...{ code: 'INVALID_VALUE', severity: 'error', path: ['spec', ...path], message },
  }))
}

/** Not blocking: while they are there, nothing but reading is allowed in the Project (core/access/policy.ts). */
function roleProblems(name: string, spec: JsonObject): Problem[] {
  return projectRoleMistakes(name, rolesOf(spec)).map(({ path, message }) => ({
    ...{ code: 'POLICY_ROW_INVALID', severity: 'error', blocking: false },
    path: ['spec', 'roles', ...path],
    message,
  }))
}

/** The roles of a Project's spec, as far as they can be read. */
export function rolesOf(spec: { readonly [field: string]: unknown }): readonly ProjectRole[] {
  return listOf(spec['roles'] as Json | undefined).map(value => {
    const role = member({ value }, 'value')
    return { name: textOf(role['name']) ?? '', policies: texts(role['policies']), groups: texts(role['groups']) }
  })
}

function texts(value: Json | undefined): readonly string[] {
  return listOf(value).filter(one => typeof one === 'string')
}

function serviceAccountProblems(spec: JsonObject): Problem[] {
  return listOf(spec['destinationServiceAccounts']).flatMap((entry, index): Problem[] => {
    const message = serviceAccountMistake(entry as unknown as DestinationServiceAccount)
    if (message === undefined) return []
    const path = ['spec', 'destinationServiceAccounts', index]
    return [{ code: 'INVALID_VALUE', severity: 'error', path, message }]
  })
}

function orphanProblems(spec: JsonObject): Problem[] {
  return listOf(member(spec, 'orphanedResources')['ignore']).flatMap((entry, index): Problem[] => {
    const message = orphanIgnoreMistake(entry as unknown as OrphanIgnore)
    if (message === undefined) return []
    return [{ code: 'INVALID_VALUE', severity: 'error', path: ['spec', 'orphanedResources', 'ignore', index], message }]
  })
}

function unsupported(field: string, message: string): Problem {
  return { code: 'FIELD_NOT_SUPPORTED_YET', severity: 'warning', path: ['spec', field], at: 'key', message }
}

function isSet(value: Json | undefined): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
}

function specOf(spec: JsonObject): ProjectSpec {
  const namespaced = spec['namespaceResourceWhitelist']
  return {
    ...spec,
    ...(textOf(spec['description']) === undefined ? {} : { description: textOf(spec['description'])! }),
    sourceRepos: listOf(spec['sourceRepos']) as readonly string[],
    destinations: listOf(spec['destinations']) as unknown as readonly ProjectDestination[],
    clusterResourceWhitelist: rules(spec['clusterResourceWhitelist']),
    clusterResourceBlacklist: rules(spec['clusterResourceBlacklist']),
    ...(namespaced === undefined ? {} : { namespaceResourceWhitelist: rules(namespaced) }),
    namespaceResourceBlacklist: rules(spec['namespaceResourceBlacklist']),
  }
}

function rules(value: Json | undefined): readonly GroupKindRule[] {
  return listOf(value) as unknown as readonly GroupKindRule[]
}

function reader(group: ApiGroup): KindReader {
  const argo = group === 'argoproj.io'
  return {
    apiVersion: `${group}/v1alpha1`,
    writtenKind: argo ? 'AppProject' : 'Project',
    kind: 'Project',
    group,
    schema: argo ? argoProjectDocument : projectDocument,
    additions: argo ? PROJECT_ADDITIONS : undefined,
    read: readProject,
  }
}

export const projectReaders: readonly KindReader[] = [reader('flotilla.dev'), reader('argoproj.io')]
