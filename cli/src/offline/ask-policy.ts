import type { AccessReading } from '@flotilla/config'
import { type Authorisation, authorise, decide } from '@flotilla/core/access/authorise'
import type { Verdict } from '@flotilla/core/access/decide'
import type { AccessObject } from '@flotilla/core/access/object'
import { compilePolicy } from '@flotilla/core/access/policy'
import type { Principal } from '@flotilla/core/access/principal'
import { nameMistake, PATH_RESOURCES, resourceOf } from '@flotilla/core/access/vocabulary'
import { usageError } from '../errors.ts'

/** One question as it was typed. */
export interface Question {
  readonly subject: string
  readonly action: string
  readonly resource: string
  readonly object?: string
  readonly groups: readonly string[]
  readonly defaultRole?: string
  readonly strict: boolean
}

/** The row's answer to one right, and what the hub would say, who also asks whether the thing may be seen. */
export interface Answer {
  readonly verdict: Verdict
  readonly authorisation: Authorisation
}

/** @throws CliError for a resource or an action that does not exist. */
export function askPolicy({ settings }: AccessReading, question: Question): Answer {
  const resource = resourceOf(question.resource)
  const mistake = nameMistake(resource, question.action)
  if (mistake !== undefined) throw usageError(mistake.message, mistake.hint)
  const { defaultRole = settings.defaultRole } = question
  const policy = compilePolicy({ ...settings, defaultRole, strictArgo: question.strict || settings.strictArgo })
  const asked = [policy, principalOf(question), question.action, objectOf(resource, question.object)] as const
  return { verdict: decide(...asked), authorisation: authorise(...asked) }
}

function principalOf({ subject, groups }: Question): Principal {
  const token = /^proj:([^:]+):([^:]+)$/.exec(subject)
  if (token !== null) return { kind: 'project-token', project: token[1]!, role: token[2]! }
  if (subject.startsWith('role:')) return { kind: 'subject', subject }
  return { kind: 'person', subject, groups }
}

/** `shop/web` and `shop/namespace/web`; without an object, everything in every project, as Argo CD's command asks. */
export function objectOf(resource: string, written: string | undefined): AccessObject {
  const text = written === undefined || written === '' || written === '*' ? undefined : written
  if (!PATH_RESOURCES.has(resource)) {
    const project = /^([^/:]+)\/(.+)$/.exec(text ?? '')
    const scoped = (resource === 'clusters' || resource === 'repositories') && project !== null
    return scoped ? { resource, project: project[1]!, name: project[2]! } : { resource, name: text ?? '*' }
  }
  const [project, ...rest] = (text ?? '*/*').split('/')
  if (rest.length === 0) return { resource, name: project! }
  const namespace = rest.length === 1 ? {} : { namespace: rest[0]! }
  return { resource, project, ...namespace, name: rest.slice(rest.length === 1 ? 0 : 1).join('/') }
}
