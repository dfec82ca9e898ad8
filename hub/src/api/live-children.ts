import { HEALTH_STATUSES } from '@flotilla/core/model/status'
import type { ChildRecord } from '@flotilla/core/protocol/stream-records'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import { z } from 'zod'
import { askAgent, mayStillSee } from './ask-agent.ts'
import { Problem } from './problem.ts'
import type { Context } from './route.ts'
import { recordsOf } from './stream-answer.ts'
import type { Caller } from './tokens.ts'

/** An agent that is connected answers at once; one that polls comes every quarter of a minute. */
const BEGIN_MS = 20_000
const LASTS_MS = 30_000
/** An agent tells of fewer; another one is not believed. */
const MOST_CHILDREN = 2_500
const MOST_NOTES = 20

const time = z.string()
const place = z.strictObject({ group: z.string(), kind: z.string(), namespace: z.string(), name: z.string() })

export const liveSchema = z
  .strictObject({
    state: z.enum(['complete', 'cut', 'offline', 'unanswered', 'refused']).meta({
      description:
        'complete: as it was a moment ago; cut: not all of it, the notes say why; offline: its agent is not connected, and was not asked; unanswered: it did not answer in time; refused: it would not, the notes say why',
    }),
    children: z.array(
      z.strictObject({
        object: place,
        owner: place.meta({ description: 'What made it: an object of the Application, or another child.' }),
        createdAt: time.nullable(),
        health: z.enum(HEALTH_STATUSES).nullable(),
        message: z.string(),
        ready: z.strictObject({ ready: z.int(), wanted: z.int() }).nullable(),
        restarts: z.int().nullable(),
        node: z.string().nullable(),
        images: z.array(z.string()),
      }),
    ),
    notes: z.array(z.string()),
  })
  .meta({ id: 'LiveChildren', description: 'What objects of the Application have made in its cluster, as it is now.' })

export type LiveChildren = z.input<typeof liveSchema>

/**
 * Asks an Application's agent what its objects have made. That it is not there is an answer, and no error.
 *
 * @throws Problem `NOT_FOUND` where who asked may not see it any more, and what {@link askAgent} throws of the hub.
 */
export async function liveChildren(view: ApplicationView, caller: Caller, context: Context): Promise<LiveChildren> {
  if (!view.agent.connected) return { state: 'offline', children: [], notes: [] }
  const question = { name: view.name, action: { verb: 'children' }, lastsMs: LASTS_MS, beginMs: BEGIN_MS } as const
  try {
    const { upload, body } = await askAgent(question, caller, context)
    const children: LiveChildren['children'] = []
    const notes: string[] = []
    try {
      for await (const record of recordsOf(body)) {
        if (record === undefined || children.length === MOST_CHILDREN || notes.length === MOST_NOTES) {
          upload.finish('broken')
          notes.push('its agent has sent what cannot be read, or too much')
          break
        }
        if (record.kind === 'child') children.push(childJson(record))
        else if (record.kind === 'note') notes.push(record.text)
      }
      upload.finish('complete')
    } finally {
      upload.finish('left')
    }
    if (upload.end !== 'complete' && notes.length === 0) notes.push('its agent broke off')
    if (!(await mayStillSee(view.name, 'applications', caller, context))) throw new Problem('NOT_FOUND')
    return { state: notes.length === 0 ? 'complete' : 'cut', children, notes }
  } catch (error) {
    const state = error instanceof Problem ? STATES[error.code] : undefined
    if (state === undefined) throw error
    return { state, children: [], notes: [(error as Problem).message] }
  }
}

const STATES: Readonly<Record<string, LiveChildren['state']>> = {
  STREAM_NOT_BEGUN: 'unanswered',
  STREAM_REFUSED: 'refused',
  OPERATION_HELD: 'refused',
  AGENT_NOT_JOINED: 'offline',
}

function childJson(record: ChildRecord): LiveChildren['children'][number] {
  const { object, owner, createdAt, health, message = '', ready, restarts, node, images } = record
  return {
    ...{ object, owner, createdAt: createdAt ?? null, health: health ?? null, message, ready: ready ?? null },
    ...{ restarts: restarts ?? null, node: node ?? null, images: [...images] },
  }
}
