import { numberAt, textAt } from '@flotilla/core/json/read-json'
import { type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { StalledReport } from '@flotilla/core/protocol/report'
import type { RunOptions } from '@flotilla/core/sync/run-options'
import type { Step } from '@flotilla/core/sync/step-types'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { KubernetesClient } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'

const MOST_BLOCKING = 5
const MOST_EVENTS = 3
/** Of one namespace; events are many, and the list is asked for once a stall. */
const MOST_READ = 2_000

/**
 * What a stalled operation waits for: the objects that block, what they say, and their last events. Undefined while
 * something still changes.
 */
export async function stalledReport(
  client: KubernetesClient,
  { progress, blocking = [] }: Step,
  run: RunOptions,
  before: StalledReport | undefined,
  now: EpochMs,
): Promise<StalledReport | undefined> {
  const since = waitsSince({ progress, blocking })
  if (since === undefined || now - since < run.stallAfterMs) return undefined
  if (before?.since === since) return before
  const shown = blocking.slice(0, MOST_BLOCKING)
  const described = await Promise.all(
    shown.map(async ({ key, message }) => {
      const events = await lastEvents(client, key)
      return { key, message: events.length === 0 ? message : `${message}; last events: ${events.join('; ')}` }
    }),
  )
  return { since, blocking: described }
}

/** How long until an operation that waits counts as stalled; undefined when it does not wait, or does already. */
export function untilStalled(step: Pick<Step, 'progress' | 'blocking'>, run: RunOptions, now: EpochMs) {
  const since = waitsSince(step)
  const leftMs = since === undefined ? 0 : since + run.stallAfterMs - now
  return leftMs > 0 ? leftMs : undefined
}

function waitsSince({ progress, blocking = [] }: Pick<Step, 'progress' | 'blocking'>): EpochMs | undefined {
  return blocking.length === 0 || progress.retryAt !== undefined ? undefined : progress.waitingFor?.since
}

/** The newest last. Whoever may not list events is told nothing of them. */
async function lastEvents(client: KubernetesClient, key: ObjectKey): Promise<readonly string[]> {
  const found: { readonly at: string; readonly text: string }[] = []
  let read = 0
  try {
    const options = key.namespace === '' ? {} : { namespace: key.namespace }
    for await (const { objects } of client.list('', 'Event', options)) {
      for (const event of objects) {
        const about = event['involvedObject']
        const same =
          textAt(about, 'kind') === key.kind &&
          textAt(about, 'name') === key.name &&
          textAt(about, 'namespace') === key.namespace
        if (!same) continue
        const times = [
          textAt(event, 'lastTimestamp'),
          textAt(event, 'eventTime'),
          event.metadata.creationTimestamp ?? '',
        ]
        const count = numberAt(event, 'count')
        const text = `${textAt(event, 'reason')}: ${textAt(event, 'message')}${count > 1 ? ` (${count} times)` : ''}`
        found.push({ at: times.find(time => time !== '') ?? '', text: text.slice(0, 300) })
      }
      read += objects.length
      if (read >= MOST_READ) break
    }
  } catch (error) {
    if (!isKubernetesError(error)) throw error
    return [`events of ${objectKeyText(key)} cannot be read: ${error.code}`]
  }
  return found
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .slice(-MOST_EVENTS)
    .map(({ text }) => text)
}
