import { isJsonObject } from '@flotilla/core/json/json'
import { isAgentApplication } from '@flotilla/core/model/agent-application'
import type { HubResponse } from '@flotilla/core/ports/hub-transport'
import type { Store } from '@flotilla/core/ports/store'
import { decodeDocumentsAnswer, type HubFrame } from '@flotilla/core/protocol/frames'
import { readJws } from '@flotilla/core/protocol/jws'
import type { Service } from '@flotilla/core/protocol/versions'
import { respond } from './respond.ts'

/** Of the frame that tells an agent that it is too old. */
export const OUTDATED = 'OUTDATED'

/** Says to an agent that is too old what it can expect; empty for every other. */
export function outdatedFrames(service: Service): readonly HubFrame[] {
  return service.kind === 'upgrade' ? [{ kind: 'error', code: OUTDATED, message: service.message }] : []
}

/**
 * What an agent that is too old may still be told (protocol.md 9): the time, the hub's keys, its calendar, and what is
 * about its own Application. It keeps enforcing the rest as it holds it: whether that is still what is wanted is not
 * asked, because what it would be sent instead it might read wrongly.
 */
export async function framesForUpgrade(store: Store, frames: readonly HubFrame[]): Promise<readonly HubFrame[]> {
  const kept: HubFrame[] = []
  for (const frame of frames) {
    if (frame.kind === 'grants') kept.push({ ...frame, grants: await aboutAgents(store, frame.grants) })
    else if (frame.kind === 'commands') kept.push({ ...frame, commands: await aboutAgents(store, frame.commands) })
    else if (frame.kind !== 'ask' && frame.kind !== 'differ' && frame.kind !== 'prove') kept.push(frame)
  }
  return kept
}

/** The same for an answer of documents. */
export async function documentsForUpgrade(store: Store, response: HubResponse): Promise<HubResponse> {
  const decoded = decodeDocumentsAnswer(response.body)
  if (response.status !== 200 || decoded.kind === 'refused') return response
  const { documents, grants, commands, ...rest } = decoded.value
  return respond(200, {
    ...rest,
    documents: await aboutAgents(store, documents),
    grants: await aboutAgents(store, grants),
    ...(commands && { commands: await aboutAgents(store, commands) }),
  })
}

/** Of our own documents, those about no Application and those about an agent's. */
async function aboutAgents(store: Store, documents: readonly string[]): Promise<string[]> {
  const about = documents.map(jws => ({ jws, application: applicationOf(jws) }))
  const agents = await store.read(async rows => {
    const ids = [...new Set(about.flatMap(({ application }) => (application === undefined ? [] : [application])))]
    const found = await Promise.all(ids.map(id => rows.application(id)))
    return new Set(found.flatMap(row => (row && isAgentApplication(row.labels) ? [row.id] : [])))
  })
  return about.flatMap(({ jws, application }) => (application === undefined || agents.has(application) ? [jws] : []))
}

function applicationOf(jws: string): string | undefined {
  const read = readJws(jws)
  const application = read.kind === 'unverified' ? read.payload['application'] : undefined
  const id = isJsonObject(application) ? application['id'] : application
  return typeof id === 'string' ? id : undefined
}
