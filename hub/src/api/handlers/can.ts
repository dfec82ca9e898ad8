import { type Authorisation, authorise, decide } from '@flotilla/core/access/authorise'
import type { Reason } from '@flotilla/core/access/decide'
import type { AccessObject } from '@flotilla/core/access/object'
import type { Principal } from '@flotilla/core/access/principal'
import { nameMistake, PATH_RESOURCES, RESOURCE_ACTIONS, resourceOf } from '@flotilla/core/access/vocabulary'
import { z } from 'zod'
import { applicationObject, namedObject } from '../../access/objects.ts'
import type { Rights } from '../../access/rights.ts'
import { rightsOf } from '../../access/rights-of.ts'
import { Problem } from '../problem.ts'
import { type Context, json, type Route, route } from '../route.ts'

const reasonSchema = z.strictObject({
  row: z.string(),
  source: z.string().nullable(),
  file: z.string().nullable(),
  line: z.int().nullable(),
})

const answerSchema = z
  .strictObject({
    allowed: z.boolean(),
    answer: z.enum(['allow', 'forbidden', 'hidden']).meta({
      description:
        'forbidden: it may be seen, so the refusal is told; hidden: there is no such thing for whoever asks.',
    }),
    because: z
      .array(reasonSchema)
      .nullable()
      .meta({ description: 'The row that decides; null for whoever may not read the policy.' }),
    policyVersion: z.string(),
  })
  .meta({ id: 'Permission' })

/** What may be done, before anybody tries. */
export const canRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/api/v1/can',
    id: 'can',
    tag: 'access',
    summary: 'Whether something may be done, by the caller or, for whoever may read the policy, by somebody else',
    readsOnly: true,
    access: 'known',
    body: z
      .strictObject({
        action: z.string().min(1).max(1_000).meta({ description: '`sync`, `action/apps/Deployment/restart` …' }),
        resource: z.string().min(1).max(100).meta({ description: '`applications`, or short: app, proj, repo.' }),
        object: z.string().max(2_000).default('*').meta({ description: '`PROJECT/NAME`, or a name.' }),
        subject: z.string().min(1).max(500).optional().meta({
          description:
            'A user, a role (`role:…`) or a token of a Project (`proj:PROJECT:ROLE`); without it, the caller.',
        }),
        groups: z.array(z.string().min(1).max(500)).max(200).default([]).meta({ description: 'Of that user.' }),
      })
      .meta({ id: 'PermissionQuestion' }),
    answers: { 200: { description: 'The answer.', schema: answerSchema } },
    problems: ['FORBIDDEN'],
    handle({ body }, caller, context) {
      const rights = rightsOf(caller, context)
      const resource = resourceOf(body.resource)
      const mistake = nameMistake(resource, body.action)
      if (mistake !== undefined) {
        const { field, message, hint } = mistake
        const errors = [{ pointer: `/body/${field}`, message, ...(hint !== undefined && { hint }) }]
        throw new Problem('REQUEST_INVALID', { errors })
      }
      const mayRead = readsPolicy(rights)
      const object = objectOf(resource, body.object, rights, context)
      if (body.subject === undefined) {
        const answer = rights.authorise(body.action, object)
        return json(200, answerJson(answer, mayRead ? answer.because : undefined, rights))
      }
      if (!mayRead) throw new Problem('FORBIDDEN')
      const { policy } = rights.inForce
      const principal = principalOf(body.subject, body.groups)
      const asked = [policy, principal, body.action, object, { now: context.now }] as const
      // Why it is hidden is what takes the right away, if anything does, and not that it cannot be seen.
      const answer = authorise(...asked)
      const verdict = decide(...asked)
      return json(200, answerJson(answer, verdict.because.length > 0 ? verdict.because : answer.because, rights))
    },
  }),
]

/** The policy names people and what they do: it is for whoever may see every account. */
export function readsPolicy(rights: Rights): boolean {
  return rights.sees(namedObject('accounts', '*'))
}

/** Of whoever asks: what he may do with all of a resource, or with some of it. For buttons that are not shown in vain. */
export function rightsJson(rights: Rights) {
  return [...RESOURCE_ACTIONS].flatMap(([resource, actions]) => {
    const given = actions.flatMap(action => {
      const whole = PATH_RESOURCES.has(resource) ? namedObject(resource, '*', '*') : namedObject(resource, '*')
      if (rights.may(action, whole)) return { action, on: 'all' as const }
      return rights.mayEver(action, resource) ? { action, on: 'some' as const } : []
    })
    return given.length === 0 ? [] : [{ resource, actions: given }]
  })
}

function answerJson({ kind }: Authorisation, because: readonly Reason[] | undefined, { inForce }: Rights) {
  return {
    allowed: kind === 'allow',
    answer: kind,
    because:
      because?.map(({ row, place }) => ({
        ...{ row, source: place?.source ?? null, file: place?.file ?? null, line: place?.line ?? null },
      })) ?? null,
    policyVersion: inForce.version,
  }
}

/**
 * The stored Application, where the caller sees the one that he names in the Project that he names; else the object as
 * it is written, about which the policy answers whether or not there is any.
 */
function objectOf(resource: string, text: string, rights: Rights, { services, now }: Context): AccessObject {
  if (resource === 'projects') return namedObject('projects', text, text)
  const slash = text.indexOf('/')
  if (!PATH_RESOURCES.has(resource) || slash < 0) {
    return resource === 'clusters' || resource === 'agents'
      ? { ...namedObject(resource, text), cluster: text }
      : PATH_RESOURCES.has(resource) && text === '*'
        ? namedObject(resource, '*', '*')
        : namedObject(resource, text)
  }
  const [project, name] = [text.slice(0, slash), text.slice(slash + 1)]
  const view = resource === 'applicationsets' ? undefined : services.view.application(name, now)
  if (view?.project === project && rights.visible.sees(view)) return applicationObject(view, resource)
  return namedObject(resource, name, project)
}

function principalOf(subject: string, groups: readonly string[]): Principal {
  const [kind, project, role, ...rest] = subject.split(':')
  if (kind === 'proj' && project !== undefined && role !== undefined && rest.length === 0) {
    return { kind: 'project-token', project, role }
  }
  return subject.startsWith('role:') ? { kind: 'subject', subject } : { kind: 'person', subject, groups }
}
