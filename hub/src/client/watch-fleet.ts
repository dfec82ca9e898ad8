import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import { HubUnreachable } from '@flotilla/core/ports/hub-transport'
import { parseBoundedJson } from '@flotilla/core/protocol/bounded-json'
import type { HubClient } from './hub-client.ts'
import { HubProblem } from './hub-problem.ts'

/** `snapshot`: list now, all that follows is newer. */
export type WatchEvent =
  | { readonly kind: 'snapshot' }
  | { readonly kind: string; readonly action: 'put' | 'delete'; readonly name: string; readonly object: Json }

const MOST_EVENT_BYTES = 16 * 1024 * 1024
const FIRST_WAIT_MS = 500
const MOST_WAIT_MS = 30_000

/**
 * Changes of the fleet as they happen, for as long as they are wanted. A stream that breaks off is taken up after the
 * last change that was heard; when the hub has forgotten that one, a `snapshot` says to list again.
 *
 * @throws HubProblem for a refusal that waiting does not mend.
 */
export async function* watchFleet(
  client: Pick<HubClient, 'lines'>,
  clock: { sleep(ms: number): Promise<void> },
  wanted: { readonly kinds?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<WatchEvent> {
  const { kinds, signal } = wanted
  let since: string | undefined
  let waitMs = FIRST_WAIT_MS
  const wantedStill = (): boolean => signal?.aborted !== true
  while (wantedStill()) {
    try {
      const query = { ...(kinds !== undefined && { kinds }), ...(since !== undefined && { since }) }
      let event = ''
      for await (const line of client.lines(
        'watch',
        { query },
        { accept: 'text/event-stream', ...(signal && { signal }) },
      )) {
        waitMs = FIRST_WAIT_MS
        if (line.startsWith('event: ')) event = line.slice('event: '.length)
        else if (line.startsWith('id: ')) since = line.slice('id: '.length)
        else if (line.startsWith('data: ')) yield eventOf(event, line.slice('data: '.length))
      }
    } catch (error) {
      if (error instanceof HubProblem && error.status === 410) since = undefined
      else if (error instanceof HubProblem && error.status !== 503 && error.status !== 429) throw error
      else if (!(error instanceof HubProblem) && !(error instanceof HubUnreachable)) throw error
    }
    if (!wantedStill()) return
    await clock.sleep(waitMs)
    waitMs = Math.min(MOST_WAIT_MS, waitMs * 2)
  }
}

function eventOf(kind: string, data: string): WatchEvent {
  if (kind === 'snapshot') return { kind: 'snapshot' }
  const value = parseBoundedJson(data, MOST_EVENT_BYTES)
  const told = isJsonObject(value) ? value : {}
  const action = textAt(told, 'action') === 'delete' ? 'delete' : 'put'
  return { kind, action, name: textAt(told, 'name'), object: told['object'] ?? null }
}
