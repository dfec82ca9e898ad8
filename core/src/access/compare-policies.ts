import { authorise, decide } from './authorise.ts'
import type { Reason } from './decide.ts'
import { type AccessObject, objectText } from './object.ts'
import { type AccessSettings, type CompiledPolicy, compilePolicy } from './policy.ts'
import { ANYWHERE, examplesOfPolicy, type PolicySubject } from './policy-examples.ts'
import { PATH_RESOURCES } from './vocabulary.ts'

/** One right that somebody has by one policy and not by the other. */
export interface RightChange {
  readonly subject: string
  readonly change: 'gained' | 'lost'
  readonly resource: string
  readonly action: string
  /** An example of what it is on; the row has the pattern. */
  readonly object: string
  /** The row that gives it, or the one that takes it away; empty where nothing gives it any more. */
  readonly because: readonly Reason[]
  /** It decides about rights of others, about clusters, or about everybody's Applications: two people should look. */
  readonly admin: boolean
}

export interface PolicyComparison {
  readonly changes: readonly RightChange[]
  /** What was not asked, because there was too much: the comparison may lack something. */
  readonly leftOut: number
}

/** Questions of one comparison; a policy of ten thousand rows about a thousand people has fewer. */
const MOST_QUESTIONS = 4_000_000
/** Whoever may write these decides what others may do, or what is under the hub's control. */
const RULING: ReadonlySet<string> = new Set([
  ...['accounts', 'hub', 'projects', 'agents', 'clusters', 'repositories', 'write-repositories'],
  ...['certificates', 'gpgkeys', 'overrides', 'confirmations'],
])

/**
 * What would change for whom: both policies are asked about everything that their rows, bindings and Teams can tell
 * apart, for each subject.
 *
 * @param now For conditions that look at the time.
 */
export function comparePolicies(
  before: AccessSettings,
  after: AccessSettings,
  subjects: readonly PolicySubject[],
  now: number,
): PolicyComparison {
  const [old, next] = [compilePolicy(before), compilePolicy(after)]
  const { objects, actions, leftOut } = examplesOfPolicy(before, after)
  const changes: RightChange[] = []
  let questions = 0
  let skipped = leftOut
  for (const { label, principal } of subjects) {
    for (const [resource, examples] of objects) {
      for (const object of examples) {
        for (const action of actions.get(resource) ?? []) {
          if (++questions > MOST_QUESTIONS) {
            skipped++
            continue
          }
          const had = may(old, { label, principal }, action, object, now)
          const has = may(next, { label, principal }, action, object, now)
          if (had === has) continue
          const policy = next
          const { because } = decide(policy, principal, action, object, { now })
          changes.push({
            ...{ subject: label, change: has ? 'gained' : 'lost', resource, action, object: textOf(object) },
            ...{ because, admin: isAdmin(action, object) },
          })
        }
      }
    }
  }
  return { changes, leftOut: skipped }
}

/** Everybody of these who may do something. */
export function whoMay(
  settings: AccessSettings,
  subjects: readonly PolicySubject[],
  action: string,
  object: AccessObject,
  now: number,
): readonly { readonly subject: string; readonly because: readonly Reason[] }[] {
  const policy = compilePolicy(settings)
  return subjects.flatMap(one => {
    const { kind, because } = authorise(policy, one.principal, action, object, { now })
    return kind === 'allow' ? [{ subject: one.label, because }] : []
  })
}

/** Whether a right is one of those that a second person should look at before it is given. */
export function isAdmin(action: string, { resource, project, name }: AccessObject): boolean {
  if (action === 'get') return resource === 'audit'
  if (RULING.has(resource)) return true
  return PATH_RESOURCES.has(resource) ? project === ANYWHERE : name.startsWith(`${ANYWHERE}/`)
}

function may(
  policy: CompiledPolicy,
  { principal }: PolicySubject,
  action: string,
  object: AccessObject,
  now: number,
): boolean {
  return authorise(policy, principal, action, object, { now }).kind === 'allow'
}

function textOf(object: AccessObject): string {
  const { cluster, environment, labels = {} } = object
  const where = [
    ...(cluster === undefined ? [] : [`cluster ${cluster}`]),
    ...(environment === undefined ? [] : [`environment ${environment}`]),
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
  ]
  return where.length === 0 ? objectText(object) : `${objectText(object)} (${where.join(', ')})`
}
