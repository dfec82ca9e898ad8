import type { Json, JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { numberAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Log } from '@flotilla/core/ports/log'
import { type KubernetesClient, METADATA_ONLY, pathOf } from './client.ts'
import { firstAborted } from './first-aborted.ts'
import { KubernetesError } from './kubernetes-error.ts'
import { readLines } from './read-body.ts'

export interface WatchTarget {
  readonly group: string
  readonly kind: string
  readonly namespace?: string
  readonly labelSelector?: string
  /** Only metadata travels: enough to know that something changed. */
  readonly metadataOnly?: boolean
}

export interface WatchHandler {
  /** Everything that is there, after a list: what is not among these is gone. */
  onList(objects: readonly KubernetesObject[]): void
  onChange(object: KubernetesObject, change: 'added' | 'modified' | 'deleted'): void
  /** The watch fell behind or lost its server; a list or the missing events follow once it is back. */
  onInterrupted?(error: Error): void
}

export interface Watch {
  stop(): void
  /** Resolves once the watch has ended after {@link stop}. */
  readonly ended: Promise<void>
}

/** The server ends a watch after this; the agent asks again from where it was. Jittered, so that watches spread. */
const WATCH_SECONDS = 300
const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 30_000
/** A watch that stood this long was a good one: the back-off begins anew. */
const STOOD_MS = 10_000
const MOST_EVENT_BYTES = 16 * 1024 * 1024

/**
 * Follows one kind for ever: list, then watch from the list's version with bookmarks; resumes where it was after a
 * cut, lists again after 410, and waits longer after each failure in a row.
 */
export function watchKind(client: KubernetesClient, target: WatchTarget, handler: WatchHandler, log: Log): Watch {
  const stopping = new AbortController()
  const ended = follow(client, target, handler, log, stopping.signal)
  return { stop: () => stopping.abort(new Error('the watch was stopped')), ended }
}

async function follow(
  client: KubernetesClient,
  target: WatchTarget,
  handler: WatchHandler,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random } = client.requester
  let resourceVersion = ''
  let failures = 0
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs()
    try {
      if (resourceVersion === '') resourceVersion = await list(client, target, handler, signal)
      resourceVersion = await watchOnce(client, target, handler, resourceVersion, signal, version => {
        resourceVersion = version
      })
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      if (clock.monotonicMs() - startedMs > STOOD_MS) failures = 0
      failures++
      if (error instanceof KubernetesError && error.code === 'EXPIRED') resourceVersion = ''
      log.debug('watch interrupted', { kind: target.kind, group: target.group, failures, error: String(error) })
      handler.onInterrupted?.(error instanceof Error ? error : new Error(String(error)))
      const longest = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS)
      // A watch may end for a thousand agents at once, when their server restarts.
      await clock.sleep(longest * (0.5 + random.fraction() / 2), signal).catch(() => undefined)
    }
  }
}

async function list(
  client: KubernetesClient,
  target: WatchTarget,
  handler: WatchHandler,
  signal: AbortSignal,
): Promise<string> {
  const objects: KubernetesObject[] = []
  let resourceVersion = ''
  for await (const page of client.list(target.group, target.kind, { ...target, signal })) {
    objects.push(...page.objects)
    resourceVersion = page.resourceVersion
  }
  handler.onList(objects)
  return resourceVersion
}

/** Reads one watch to its end. @returns the version to go on from. @throws KubernetesError */
async function watchOnce(
  client: KubernetesClient,
  target: WatchTarget,
  handler: WatchHandler,
  from: string,
  signal: AbortSignal,
  advance: (resourceVersion: string) => void,
): Promise<string> {
  const { clock, random } = client.requester
  const subject = target.group === '' ? target.kind : `${target.group}/${target.kind}`
  const served = await client.discovery.find(target.group, target.kind, `${client.cluster} ${subject}`)
  const version = served.versions[0]!
  const seconds = Math.round(WATCH_SECONDS * (0.8 + random.fraction() * 0.4))
  const query = new URLSearchParams({
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: from,
    timeoutSeconds: String(seconds),
  })
  if (target.labelSelector) query.set('labelSelector', target.labelSelector)
  // A server that vanished without a word would otherwise never be noticed.
  const { controller: end, release } = firstAborted(signal)
  const timer = clock.setTimer((seconds + 30) * 1000, () => end.abort(new Error('the watch outlived its time')))
  let last = from
  try {
    const response = await client.requester.stream({
      method: 'GET',
      path: `${pathOf(served, version, target.namespace ?? '', '')}?${query}`,
      headers: target.metadataOnly ? { accept: `${METADATA_ONLY},application/json` } : {},
      subject,
      verb: 'watch',
      idempotent: true,
      signal: end.signal,
    })
    for await (const line of readLines(response.body, MOST_EVENT_BYTES)) {
      if (signal.aborted) return last
      const event = readEvent(line, client.cluster, subject)
      last = textAt(event.object, 'metadata', 'resourceVersion') || last
      if (event.type !== 'BOOKMARK') deliver(event, target, version, handler)
      advance(last)
    }
    return last
  } finally {
    timer.cancel()
    release()
  }
}

interface WatchEvent {
  readonly type: string
  readonly object: JsonObject
}

function readEvent(line: string, cluster: string, subject: string): WatchEvent {
  let parsed: Json
  try {
    parsed = parseJson(line)
  } catch (error) {
    throw invalid(cluster, subject, 'an event is cut short or is not JSON', error)
  }
  const type = textAt(parsed, 'type')
  const object = objectAt(parsed, 'object')
  if (type === 'ERROR') {
    const status = numberAt(object, 'code')
    throw new KubernetesError(
      status === 410 ? 'EXPIRED' : 'SERVER_ERROR',
      `${cluster} ${subject}`,
      'watch',
      textAt(object, 'message'),
      { retry: true, status },
    )
  }
  if (type === '') throw invalid(cluster, subject, 'an event has no type', undefined)
  return { type, object }
}

function deliver({ type, object }: WatchEvent, target: WatchTarget, version: string, handler: WatchHandler): void {
  // With metadata only, the kind of the event is PartialObjectMetadata.
  const apiVersion = target.group === '' ? version : `${target.group}/${version}`
  const whole = { ...object, apiVersion, kind: target.kind } as unknown as KubernetesObject
  if (type === 'ADDED') handler.onChange(whole, 'added')
  else if (type === 'MODIFIED') handler.onChange(whole, 'modified')
  else if (type === 'DELETED') handler.onChange(whole, 'deleted')
}

function invalid(cluster: string, subject: string, detail: string, cause: unknown): KubernetesError {
  return new KubernetesError('RESPONSE_INVALID', `${cluster} ${subject}`, 'watch', detail, {
    retry: true,
    status: 200,
    cause,
  })
}
