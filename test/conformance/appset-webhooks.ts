import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { ApplicationSetSpec } from '@flotilla/core/model/fleet'
import { adapterOf } from '@flotilla/hub/webhooks/adapters'
import { WebhookError, type WebhookEvent } from '@flotilla/hub/webhooks/event'
import { revisionHasChanged } from '@flotilla/hub/webhooks/match-event'
import { setsConcernedBy } from '@flotilla/hub/webhooks/sets-concerned-by'
import type { Observed } from './appset-expect.ts'
import { scmAnswer } from './appset-hosts.ts'
import { clientObjects, contextOf, engineFor, registryOf } from './appset-inputs.ts'

interface Call {
  readonly receiver: JsonObject
  readonly args: JsonObject
}

/** `WebhookHandler.Handler`: one request, and the sets that it refreshes. */
export function runWebhook({ receiver, args }: Call): Observed {
  const request = args['r'] as { readonly headers?: JsonObject; readonly body?: Json }
  const events = eventsOf(request)
  if (events === undefined) return { values: { httpStatus: 400, refreshedAppSets: [] } }
  const generators = (receiver['generators'] ?? {}) as JsonObject
  const provider = isJsonObject(generators['SCMProvider']) ? generators['SCMProvider']['overrideProvider'] : undefined
  const context = contextOf({
    engine: engineFor(false, []),
    registry: registryOf(
      Object.fromEntries(Object.entries(generators).map(([field, value]) => [field, asMock(value as Json)])),
    ),
    ...(isJsonObject(provider) && { answer: scmAnswer(provider) }),
  })
  const sets = clientObjects(receiver['client']).map(object => ({
    name: String((object['metadata'] as JsonObject)['name']),
    set: { spec: object['spec'] as unknown as ApplicationSetSpec },
    context,
  }))
  const concerned = new Set(events.flatMap(event => setsConcernedBy(event, sets).map(({ name }) => name)))
  return { values: { httpStatus: 200, refreshedAppSets: [...concerned] } }
}

/** `genRevisionHasChanged` */
export function runRevisionHasChanged({ args }: Call): Observed {
  const { revision = '' } = args['gen'] as { readonly revision?: string }
  const result = revisionHasChanged(revision, String(args['revision']), args['touchedHead'] === true)
  return { values: { result } }
}

/** Undefined for a request that is refused. */
function eventsOf({
  headers = {},
  body = null,
}: {
  readonly headers?: JsonObject
  readonly body?: Json
}): readonly WebhookEvent[] | undefined {
  const given = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))
  const header = (name: string): string | undefined => given.get(name)
  try {
    return adapterOf(header)?.read(header, body)
  } catch (error) {
    if (error instanceof WebhookError) return undefined
    throw error
  }
}

function asMock(value: Json): Json {
  return isJsonObject(value) && value['$mock'] !== undefined ? { ...value, $mock: 'Generator' } : value
}
