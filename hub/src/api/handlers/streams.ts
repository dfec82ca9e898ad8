import type { CommandAction } from '@flotilla/core/protocol/documents'
import { z } from 'zod'
import { one } from '../../access/route-access.ts'
import { requireApplication } from '../../access/seen-application.ts'
import { askAgent, mayStillSee } from '../ask-agent.ts'
import { authenticatorOf } from '../authenticate.ts'
import { nameParameter } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Context, type Reply, type Route, route } from '../route.ts'
import { answerStream, STREAM_TYPES, type StreamFormat } from '../stream-answer.ts'
import { streamedObject } from '../streamed-object.ts'
import type { Caller } from '../tokens.ts'

/** So long the agent may take to begin; where sockets do not work it asks every quarter of a minute. */
const BEGIN_MS = 45_000
/** So long a stream may last. */
const LASTS_MS = 15 * 60_000
const FOLLOWS_MS = 60 * 60_000

const named = z.strictObject({ name: nameParameter })
const objectParameter = z
  .string()
  .min(1)
  .max(800)
  .optional()
  .meta({ description: '`GROUP/KIND NAMESPACE/NAME`, or `KIND/NAME` of what the Application renders to.' })

const flag = (description: string) =>
  z
    .enum(['true', 'false'])
    .transform(text => text === 'true')
    .default(false)
    .meta({ description, override: { type: 'boolean', default: false } })

const number = (most: number, description: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `a whole number up to ${most}`)
    .transform(Number)
    .refine(value => value <= most, `a whole number up to ${most}`)
    .optional()
    .meta({ description, override: { type: 'integer', minimum: 0, maximum: most } })

const description =
  'Lines as they come: text, or by Accept application/x-ndjson (one JSON object a line) or text/event-stream. ' +
  'The last one says why it ended.'
const answers = { 200: { description, contentType: 'text/plain' } }
const streams = ['text/plain', 'application/x-ndjson', 'text/event-stream'] as const
const PROBLEMS = [
  'OPERATION_HELD',
  'AGENT_NOT_JOINED',
  'ACTION_IMPOSSIBLE',
  'STREAM_REFUSED',
  'STREAM_NOT_BEGUN',
  'TOO_MANY_WATCHERS',
] as const

/** What people read of a cluster while it runs, streamed by its agent. */
export const streamRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/api/v1/applications/{name}/logs',
    id: 'getApplicationLogs',
    tag: 'applications',
    summary: 'Logs of the Pods of one object of the Application, streamed by its agent',
    sensitive: true,
    access: one('logs', 'get'),
    parameters: named,
    query: z.strictObject({
      object: objectParameter,
      container: z.string().min(1).max(253).optional().meta({ description: 'Default: the first of each Pod.' }),
      tail: number(1_000_000, 'Only so many of the last lines of each Pod; 500 where `since` is not given either.'),
      since: number(31_622_400, 'Only of the last so many seconds.'),
      follow: flag('Goes on with what comes, for an hour at most.'),
      previous: flag('Of the container that ran before.'),
    }),
    answers,
    streams,
    problems: PROBLEMS,
    async handle({ path, query }, caller, context) {
      requireApplication(path.name, 'get', caller, context, 'logs')
      if (context.request.method === 'HEAD') return NOTHING
      const object = await streamedObject(query.object, path.name, context, 'pods')
      if (!object) throw new Problem('REQUEST_INVALID')
      const { container, tail, since, follow, previous } = query
      const action: CommandAction = {
        ...{ verb: 'logs', object, follow, previous },
        ...(container !== undefined && { container }),
        ...(tail !== undefined && { tailLines: tail }),
        ...(since !== undefined && { sinceSeconds: since }),
      }
      return await streamed(path.name, action, follow ? FOLLOWS_MS : LASTS_MS, caller, context)
    },
  }),
  route({
    method: 'get',
    path: '/api/v1/applications/{name}/events',
    id: 'getApplicationEvents',
    tag: 'applications',
    summary: 'Events about the objects of the Application, and about what those made, as its cluster has them',
    access: one('applications', 'get'),
    parameters: named,
    query: z.strictObject({ object: objectParameter }),
    answers,
    streams,
    problems: PROBLEMS,
    async handle({ path, query }, caller, context) {
      requireApplication(path.name, 'get', caller, context)
      if (context.request.method === 'HEAD') return NOTHING
      const object = await streamedObject(query.object, path.name, context, 'any')
      const action: CommandAction = { verb: 'events', ...(object && { object }) }
      return await streamed(path.name, action, LASTS_MS, caller, context)
    },
  }),
]

const NOTHING: Reply = { kind: 'stream', begin: response => void response.end() }

async function streamed(
  name: string,
  action: Exclude<CommandAction, { readonly verb: 'terminate' }>,
  lastsMs: number,
  caller: Caller,
  context: Context,
): Promise<Reply> {
  const { services, request } = context
  const { clock, log } = services
  const { upload, body } = await askAgent({ name, action, lastsMs, beginMs: BEGIN_MS }, caller, context)
  const resource = action.verb === 'logs' ? 'logs' : 'applications'
  const mayGoOn = () => mayStillSee(name, resource, caller, context)
  const format = formatOf(request.get('Accept'))
  const onEnd = (end: string): void => log.debug('a stream ended', { command: upload.id, end })
  return {
    kind: 'stream',
    begin: response => {
      const onRevoked = (listener: () => void) => authenticatorOf(services).onRevoked(listener)
      answerStream({ upload, body, format, clock, mayGoOn, onRevoked, onEnd }, response).catch((error: unknown) => {
        log.error('a stream ended by an error', { error })
        upload.finish('broken')
        response.destroy()
      })
    },
  }
}

function formatOf(accept: string | undefined): StreamFormat {
  const types = (accept ?? '').split(',').map(each => each.split(';', 1)[0]?.trim().toLowerCase() ?? '')
  const formats: readonly StreamFormat[] = ['ndjson', 'sse']
  return formats.find(format => types.includes(STREAM_TYPES[format].split(';', 1)[0] ?? '')) ?? 'text'
}
