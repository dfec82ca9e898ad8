import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Denial } from '../faults.ts'
import { at, textOf } from '../objects/drafts.ts'
import { methodNotAllowed } from './api-error.ts'
import { type Attempt, isAllowed, rulesOf } from './authorize.ts'
import type { Handling, ResourceTarget } from './handle-resource.ts'
import { fieldValidationOf, parseBody, readTyped } from './read-body.ts'
import type { User } from './request.ts'
import { type ApiResponse, ok } from './response.ts'

/** Kinds that are questions: posted, answered, never stored. undefined for every other resource. */
export function handleReview(handling: ReviewHandling, target: ResourceTarget): ApiResponse | undefined {
  const { type } = target
  if (type.group !== 'authorization.k8s.io' && type.group !== 'authentication.k8s.io') return undefined
  const { request, warnings } = handling
  if (request.method !== 'POST') throw methodNotAllowed(type, request.method.toLowerCase())
  const object = readTyped(type, parseBody(request), fieldValidationOf(request), warnings)
  return ok({ ...object, status: answer(handling, type.kind, object['spec'] as JsonObject | undefined) }, 201)
}

/** The switch of the faults is asked too. */
export type ReviewHandling = Handling & { readonly denied?: readonly Denial[] }

function answer(handling: ReviewHandling, kind: string, spec: JsonObject | undefined): Json {
  const { core, request } = handling
  switch (kind) {
    case 'SelfSubjectReview':
      return { userInfo: userInfo(request.user) }
    case 'TokenReview':
      return { user: {}, error: 'the simulated cluster knows no tokens' }
    case 'SelfSubjectRulesReview':
      return { resourceRules: rulesForAll(handling), nonResourceRules: [], incomplete: false }
    default: {
      const user = kind === 'SelfSubjectAccessReview' ? request.user : userOf(spec)
      const attributes = at(spec, 'resourceAttributes')
      if (!isJsonObject(attributes)) return { allowed: user.groups.includes('system:masters') }
      const subresource = textOf(attributes, 'subresource')
      const resource = textOf(attributes, 'resource') ?? ''
      const attempt: Attempt = {
        verb: textOf(attributes, 'verb') ?? '',
        group: textOf(attributes, 'group') ?? '',
        resource: subresource === undefined ? resource : `${resource}/${subresource}`,
        namespace: textOf(attributes, 'namespace') ?? '',
        name: textOf(attributes, 'name') ?? '',
      }
      return { allowed: isAllowed(core, handling.denied ?? [], user, attempt) }
    }
  }
}

function userInfo(user: User): JsonObject {
  return { username: user.name, groups: user.groups }
}

function userOf(spec: JsonObject | undefined): User {
  const groups = at(spec, 'groups')
  return { name: textOf(spec, 'user') ?? '', groups: Array.isArray(groups) ? groups.map(String) : [] }
}

function rulesForAll({ core, request }: ReviewHandling): Json {
  if (request.user.groups.includes('system:masters')) return [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]
  const bindings = core.store.list('rbac.authorization.k8s.io/clusterrolebindings')
  const roles = bindings.map(binding =>
    core.store.get('rbac.authorization.k8s.io/clusterroles', '', String(at(binding, 'roleRef', 'name'))),
  )
  return roles.flatMap(role => (role ? rulesOf(core, role) : []))
}
