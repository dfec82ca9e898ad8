import { compileCondition } from '@flotilla/core/access/condition'
import { policyKeys } from '@flotilla/core/access/parse-policy'
import type { MatchMode } from '@flotilla/core/access/policy-row'
import { BUILTIN_ROLES } from '@flotilla/core/access/role-catalogue'
import { rowNameMistake } from '@flotilla/core/access/vocabulary'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { nearest } from '@flotilla/core/text/nearest'
import type { Path, Problem } from '../problem.ts'
import { accessPolicyDocument, rbacConfigMapDocument } from '../schema/access-policy.ts'
import { type KindReader, type KindReading, listOf, member, nameOf, textOf } from './kind.ts'
import { type PolicyText, policyProblems } from './policy-problems.ts'

/** What an AccessPolicy or `argocd-rbac-cm` says. */
export interface AccessPolicySpec {
  readonly texts: readonly PolicyText[]
  readonly defaultRole: string
  readonly scopes: readonly string[]
  readonly matchMode: MatchMode
  readonly strictArgo: boolean
  /** As written; their shape is the schema's to check. */
  readonly roles: readonly Json[]
  readonly bindings: readonly Json[]
}

function readAccessPolicy(document: JsonObject): KindReading {
  const spec = member(document, 'spec')
  const policy = textOf(spec['policy'])
  const read: AccessPolicySpec = {
    texts: policy === undefined ? [] : [{ path: ['spec', 'policy'], text: policy }],
    defaultRole: textOf(spec['defaultRole']) ?? '',
    scopes: textsOf(spec['scopes']),
    matchMode: spec['matchMode'] === 'regex' ? 'regex' : 'glob',
    strictArgo: spec['strictArgo'] === true,
    roles: listOf(spec['roles']),
    bindings: listOf(spec['bindings']),
  }
  const problems = [...policyProblems(read.texts, read), ...roleProblems(read), ...bindingProblems(read)]
  return { name: nameOf(document), spec: read, problems }
}

function readConfigMap(document: JsonObject): KindReading {
  const data = member(document, 'data')
  const mode = textOf(data['policy.matchMode']) ?? ''
  const read: AccessPolicySpec = {
    texts: policyKeys(data).map(key => ({ path: ['data', key], text: textOf(data[key]) ?? '' })),
    defaultRole: textOf(data['policy.default']) ?? '',
    scopes: scopesOf(textOf(data['scopes']) ?? ''),
    matchMode: mode === 'regex' ? 'regex' : 'glob',
    strictArgo: false,
    roles: [],
    bindings: [],
  }
  const problems: Problem[] = [...policyProblems(read.texts, read)]
  if (!['', 'glob', 'regex'].includes(mode)) {
    const message = `policy.matchMode is glob or regex, not "${mode}"; Argo CD takes it for glob`
    problems.push({ code: 'INVALID_VALUE', severity: 'error', path: ['data', 'policy.matchMode'], message })
  }
  return { name: nameOf(document), spec: read, problems }
}

/** `'[groups, email]'`, as Argo CD writes a list of claims into a ConfigMap. */
function scopesOf(text: string): readonly string[] {
  const inner = text.trim().replace(/^\[(.*)\]$/s, '$1')
  return inner
    .split(',')
    .map(part => part.trim().replace(/^(["'])(.*)\1$/, '$2'))
    .filter(part => part !== '')
}

function textsOf(value: Json | undefined): readonly string[] {
  return listOf(value).filter(one => typeof one === 'string')
}

function roleProblems({ roles }: AccessPolicySpec): Problem[] {
  return roles.flatMap((role, at) =>
    listOf(member({ role }, 'role')['permissions']).flatMap((permission, index) => {
      const read = member({ permission }, 'permission')
      const path: Path = ['spec', 'roles', at, 'permissions', index]
      return textsOf(read['resources']).flatMap((resource, resourceAt) =>
        textsOf(read['actions']).flatMap((action, actionAt) => {
          const mistake = rowNameMistake(resource, action)
          if (mistake === undefined) return []
          const place = mistake.field === 'resource' ? ['resources', resourceAt] : ['actions', actionAt]
          return [unknownName([...path, ...place], mistake.message, mistake.hint)]
        }),
      )
    }),
  )
}

function bindingProblems({ roles, bindings }: AccessPolicySpec): Problem[] {
  const own = roles.flatMap(role => textOf(member({ role }, 'role')['name']) ?? [])
  const known = [...own, ...BUILTIN_ROLES.keys()]
  return bindings.flatMap((value, at): Problem[] => {
    const binding = member({ value }, 'value')
    const path: Path = ['spec', 'bindings', at]
    const problems: Problem[] = []
    const role = textOf(binding['role'])
    if (role !== undefined && !known.includes(role)) {
      const near = nearest(role, known)
      const hint = near === undefined ? `known: ${known.join(', ')}` : `did you mean "${near}"?`
      problems.push(unknownName([...path, 'role'], `there is no role "${role}"`, hint))
    }
    const subjects = member(binding, 'subjects')
    if (['users', 'groups', 'teams'].every(list => textsOf(subjects[list]).every(name => name.trim() === ''))) {
      const message = 'the binding names nobody'
      problems.push({ code: 'POLICY_ROW_UNREACHABLE', severity: 'warning', path: [...path, 'subjects'], message })
    }
    for (const [index, condition] of textsOf(binding['conditions']).entries()) {
      const compiled = compileCondition(condition)
      if (typeof compiled === 'function') continue
      const { message } = compiled
      problems.push({ code: 'CONDITION_INVALID', severity: 'error', path: [...path, 'conditions', index], message })
    }
    return problems
  })
}

function unknownName(path: Path, message: string, hint: string | undefined): Problem {
  return { code: 'POLICY_NAME_UNKNOWN', severity: 'error', path, message, ...(hint === undefined ? {} : { hint }) }
}

export const accessPolicyReader: KindReader = {
  apiVersion: 'flotilla.dev/v1alpha1',
  writtenKind: 'AccessPolicy',
  kind: 'AccessPolicy',
  group: 'flotilla.dev',
  schema: accessPolicyDocument,
  read: readAccessPolicy,
}

export const rbacConfigMapReader: KindReader = {
  apiVersion: 'v1',
  writtenKind: 'ConfigMap',
  kind: 'AccessPolicy',
  group: 'argoproj.io',
  schema: rbacConfigMapDocument,
  read: readConfigMap,
}
