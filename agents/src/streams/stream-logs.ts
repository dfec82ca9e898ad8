import { listAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import { type KubernetesObject, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import type { LogsRequest } from '@flotilla/core/protocol/documents'
import { type KubernetesClient, pathOf } from '../kubernetes/client.ts'
import { isKubernetesError } from '../kubernetes/kubernetes-error.ts'
import { logLines, splitTimestamp } from './log-lines.ts'
import { podsOf } from './pods-of.ts'
import type { RecordQueue } from './record-queue.ts'

/** Of one workload at once: a connection to the API server each, while they are followed. */
const MOST_PODS = 20
/** New Pods of a workload that is followed are looked for so often. */
const LOOK_MS = 5_000
/** Where neither a number nor a time is given. */
const DEFAULT_TAIL_LINES = 500
const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'

export interface LogStream {
  readonly client: KubernetesClient
  /** As the cluster has it now. */
  readonly workload: KubernetesObject
  readonly wish: LogsRequest
  readonly queue: RecordQueue
  readonly signal: AbortSignal
  /** Hides what nobody is to read. */
  readonly masked: (text: string) => string
}

/**
 * Writes the logs of a workload's Pods into the queue: one after the other, or, followed, all at once and those that
 * come later too. What cannot be read of one Pod is a note and does not end the others. Returns how many Pods there were.
 *
 * @param first The Pods as they were found; at least one.
 */
export async function streamLogs(stream: LogStream, first: readonly KubernetesObject[]): Promise<number> {
  const { wish, queue } = stream
  if (!wish.follow) {
    for (const pod of first.slice(0, MOST_PODS)) await onePod(stream, pod, false)
    if (first.length > MOST_PODS) {
      await queue.put({ kind: 'note', text: `${first.length - MOST_PODS} more Pods are left out` })
    }
    return Math.min(first.length, MOST_PODS)
  }
  return await followAll(stream, first)
}

async function followAll(stream: LogStream, first: readonly KubernetesObject[]): Promise<number> {
  const { client, workload, queue, signal } = stream
  const { clock } = client.requester
  const seen = new Set<string>()
  const running = new Set<Promise<void>>()
  let left = 0
  const begin = (pods: readonly KubernetesObject[], isLater: boolean) => {
    for (const pod of pods) {
      const uid = pod.metadata.uid ?? ''
      if (seen.has(uid)) continue
      if (running.size >= MOST_PODS) {
        left++
        continue
      }
      seen.add(uid)
      const work: Promise<void> = onePod(stream, pod, isLater).finally(() => running.delete(work))
      running.add(work)
    }
  }
  begin(first, false)
  if (left > 0) await queue.put({ kind: 'note', text: `${left} more Pods are left out until others have ended` })
  // A bare Pod and a Job that has ended bring no others.
  while (!signal.aborted && !(running.size === 0 && isOver(workload))) {
    const looking = isOver(workload) ? Promise.race(running) : clock.sleep(LOOK_MS, signal)
    await looking.catch(() => undefined)
    if (signal.aborted || isOver(workload)) continue
    try {
      begin(await podsOf(client, workload, signal), true)
    } catch (error) {
      if (!isKubernetesError(error)) throw error
    }
  }
  await Promise.all(running)
  return seen.size
}

/** Whether no Pod comes any more. */
function isOver(workload: KubernetesObject): boolean {
  if (workload.kind === 'Pod') return true
  const conditions = listAt(workload, 'status', 'conditions')
  return (
    workload.kind === 'Job' &&
    conditions.some(each => ['Complete', 'Failed'].includes(textAt(each, 'type')) && textAt(each, 'status') === 'True')
  )
}

/** @param isLater It came while others were followed: all that it said since is wanted. */
async function onePod(stream: LogStream, pod: KubernetesObject, isLater: boolean): Promise<void> {
  const { client, wish, queue, signal, masked } = stream
  const { name = '', namespace = '' } = pod.metadata
  const container = wish.container ?? defaultContainer(pod)
  const query = new URLSearchParams({ container, timestamps: 'true' })
  if (wish.follow) query.set('follow', 'true')
  if (wish.previous) query.set('previous', 'true')
  if (!isLater) {
    const { tailLines, sinceSeconds } = wish
    if (sinceSeconds !== undefined) query.set('sinceSeconds', String(Math.max(1, sinceSeconds)))
    if (tailLines !== undefined) query.set('tailLines', String(tailLines))
    else if (sinceSeconds === undefined) query.set('tailLines', String(DEFAULT_TAIL_LINES))
  }
  try {
    const served = await client.discovery.find('', 'Pod', name)
    const response = await client.requester.stream({
      method: 'GET',
      path: `${pathOf(served, 'v1', namespace, name)}/log?${query}`,
      headers: { accept: 'application/json, */*' },
      subject: objectKeyText({ group: '', kind: 'Pod', namespace, name }),
      verb: 'logs',
      idempotent: true,
      signal,
    })
    for await (const line of logLines(response.body)) {
      const { at, text } = splitTimestamp(line)
      const record = { kind: 'log' as const, pod: name, container, text: masked(text) }
      if (!(await queue.put(at === undefined ? record : { ...record, at }))) return
    }
  } catch (error) {
    if (signal.aborted) return
    if (!isKubernetesError(error)) throw error
    await queue.put({ kind: 'note', text: `Pod ${name}, container ${container}: ${error.detail || error.message}` })
  }
}

/** As kubectl chooses: the one that the Pod names, or its first. */
function defaultContainer(pod: KubernetesObject): string {
  const named = textAt(objectAt(pod, 'metadata', 'annotations'), DEFAULT_CONTAINER)
  return named || textAt(listAt(pod, 'spec', 'containers')[0], 'name')
}
