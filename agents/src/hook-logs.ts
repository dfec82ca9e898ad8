import { listAt, numberAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import { type KubernetesObject, keyOf, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { shownText } from '@flotilla/core/protocol/stream-records'
import { type HookLog, LogTail } from '@flotilla/core/sync/hook-log'
import type { HookState } from '@flotilla/core/sync/sync-progress'
import { forEachBounded } from './bounded.ts'
import type { Engine } from './engine.ts'
import { type KubernetesClient, pathOf } from './kubernetes/client.ts'
import { isKubernetesError } from './kubernetes/kubernetes-error.ts'
import type { Look } from './look.ts'
import { logLines } from './streams/log-lines.ts'
import { hasPods, podsOf } from './streams/pods-of.ts'
import { SecretValues } from './streams/secret-values.ts'
import { writerOf } from './writer-of.ts'

/** Lines that are asked for; of these the last that fit are kept. */
const MOST_LINES = 2_000
const MOST_LINE = 4 * 1024
/** A kubelet that does not answer keeps no operation from ending. */
const PATIENCE_MS = 10_000
const MOST_SECRETS = 100
const AT_ONCE = 8

export interface HookLogInput {
  /** With the rights that the operation writes with. */
  readonly client: KubernetesClient
  /** Every Secret of the Application; undefined: not all are known, so nothing that a container wrote is kept. */
  readonly secrets: readonly KubernetesObject[] | undefined
  readonly signal: AbortSignal
}

/**
 * The state of a hook that failed or is cut short, with what it left behind, read before it is deleted: of the Pod that
 * failed last, why its container ended or what it waits for, and the end of its log. An object that has no Pods leaves
 * nothing; what cannot be read is said and fails nothing.
 */
export async function withHookLog(
  input: HookLogInput,
  state: HookState,
  live: KubernetesObject,
  mostBytes: number,
): Promise<HookState> {
  const { secrets } = input
  const values = secrets && new SecretValues(secrets)
  const { message, ...rest } = state
  // Of a Pod, its health quotes what a container wrote.
  const quotes = keyOf(live).kind === 'Pod'
  const shown = message === undefined || (quotes && !values) ? undefined : (values?.masked(message) ?? message)
  const log = await readHookLog(input, values, live, mostBytes)
  return { ...rest, ...(shown === undefined ? {} : { message: shown }), ...(log ? { log } : {}) }
}

async function readHookLog(
  { client, signal }: HookLogInput,
  values: SecretValues | undefined,
  live: KubernetesObject,
  mostBytes: number,
): Promise<HookLog | undefined> {
  const { group, kind } = keyOf(live)
  if (!hasPods(group, kind)) return undefined
  const patience = new AbortController()
  const timer = client.requester.clock.setTimer(PATIENCE_MS, () => patience.abort(new Error('it took too long')))
  const stop = (): void => patience.abort(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    const pods = await podsOf(client, live, patience.signal)
    const pod = pods.toSorted(lastToFail)[0]
    if (!pod) return { ...NOTHING, note: 'it has no Pod any more' }
    return await ofPod(client, pod, values, mostBytes, { patience: patience.signal, signal })
  } catch (error) {
    signal.throwIfAborted()
    if (!isKubernetesError(error) && !patience.signal.aborted) throw error
    return { ...NOTHING, note: noteOf('its Pods', error) }
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', stop)
  }
}

const NOTHING = { pod: '', container: '', text: '', cut: false } as const

async function ofPod(
  client: KubernetesClient,
  pod: KubernetesObject,
  values: SecretValues | undefined,
  mostBytes: number,
  { patience, signal }: { readonly patience: AbortSignal; readonly signal: AbortSignal },
): Promise<HookLog> {
  const { name = '' } = pod.metadata
  const found = failedContainer(pod)
  const { reason, exitCode } = found
  const end = {
    pod: name,
    container: found.container,
    ...(reason === '' ? {} : { reason: shownText(reason, 253) }),
    ...(exitCode === undefined ? {} : { exitCode }),
  }
  if (!values) {
    const note = 'its log is not kept: values of Secrets that are gone could not be masked'
    return { ...end, text: '', cut: false, note }
  }
  const masked = (text: string): string => shownText(values.masked(text), MOST_LINE)
  const said = found.message === '' ? {} : { message: masked(found.message) }
  const tail = new LogTail(mostBytes)
  try {
    for await (const line of lines(client, pod, found, patience)) tail.add(masked(line))
    return { ...end, ...said, text: tail.text, cut: tail.cut }
  } catch (error) {
    signal.throwIfAborted()
    if (!isKubernetesError(error) && !patience.aborted) throw error
    return { ...end, ...said, text: tail.text, cut: tail.cut, note: noteOf('its log', error) }
  }
}

async function* lines(
  client: KubernetesClient,
  pod: KubernetesObject,
  { container, restarted }: FailedContainer,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { name = '', namespace = '' } = pod.metadata
  const query = new URLSearchParams({ container, tailLines: String(MOST_LINES) })
  if (restarted) query.set('previous', 'true')
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
  yield* logLines(response.body)
}

function noteOf(what: string, error: unknown): string {
  const detail = isKubernetesError(error) ? error.detail || error.message : String(error)
  return shownText(`${what} cannot be read: ${detail}`, 500)
}

interface FailedContainer {
  readonly container: string
  readonly reason: string
  readonly exitCode: number | undefined
  readonly message: string
  /** It runs again: what failed is the run before. */
  readonly restarted: boolean
}

/**
 * The first container that ended badly, or does not start, init containers first; else the first that still runs or
 * waits; else the Pod's first.
 */
function failedContainer(pod: KubernetesObject): FailedContainer {
  const statuses = [...listAt(pod, 'status', 'initContainerStatuses'), ...listAt(pod, 'status', 'containerStatuses')]
  for (const status of statuses) {
    const container = textAt(status, 'name')
    const restarted = textAt(status, 'state', 'running', 'startedAt') !== ''
    for (const ended of [objectAt(status, 'state', 'terminated'), objectAt(status, 'lastState', 'terminated')]) {
      const exitCode = numberAt(ended, 'exitCode')
      if (exitCode === 0) continue
      return { container, reason: textAt(ended, 'reason'), exitCode, message: textAt(ended, 'message'), restarted }
    }
    const waiting = objectAt(status, 'state', 'waiting')
    const reason = textAt(waiting, 'reason')
    if (/^Err|Error$|BackOff$/.test(reason)) {
      return { container, reason, exitCode: undefined, message: textAt(waiting, 'message'), restarted: false }
    }
  }
  const unfinished =
    statuses.find(status => textAt(status, 'state', 'running', 'startedAt') !== '') ??
    statuses.find(status => textAt(status, 'state', 'waiting', 'reason') !== '')
  if (unfinished !== undefined) {
    const waiting = objectAt(unfinished, 'state', 'waiting')
    const why = { reason: textAt(waiting, 'reason'), message: textAt(waiting, 'message') }
    return { container: textAt(unfinished, 'name'), ...why, exitCode: undefined, restarted: false }
  }
  const container = textAt(listAt(pod, 'spec', 'containers')[0], 'name')
  const reason = textAt(pod, 'status', 'reason')
  return { container, reason, exitCode: undefined, message: textAt(pod, 'status', 'message'), restarted: false }
}

/** Failed Pods first, then the newest: of several runs the last one says most. */
function lastToFail(a: KubernetesObject, b: KubernetesObject): number {
  const failed = (pod: KubernetesObject): number => (textAt(pod, 'status', 'phase') === 'Failed' ? 0 : 1)
  const made = (pod: KubernetesObject): string => pod.metadata.creationTimestamp ?? ''
  return failed(a) - failed(b) || (made(a) < made(b) ? 1 : made(a) > made(b) ? -1 : 0)
}

/** Of a sync: its own manifests say which values are to be hidden. */
export function hookLogInput({ client, signal }: Pick<Engine, 'client' | 'signal'>, { intent }: Look): HookLogInput {
  return { client: writerOf(client, intent), secrets: intent.request.desired, signal }
}

/**
 * Live Secrets among these objects, for a removal, which has no manifests: undefined when one of them is gone, because
 * then nobody knows what is to be hidden.
 */
export async function liveSecrets(
  client: KubernetesClient,
  keys: readonly ObjectKey[],
): Promise<readonly KubernetesObject[] | undefined> {
  const wanted = keys.filter(({ group, kind }) => group === '' && kind === 'Secret')
  if (wanted.length > MOST_SECRETS) return undefined
  const found: KubernetesObject[] = []
  try {
    await forEachBounded(wanted, AT_ONCE, async key => {
      const live = await client.get(key)
      if (live) found.push(live)
    })
  } catch (error) {
    if (!isKubernetesError(error)) throw error
    return undefined
  }
  return found.length === wanted.length ? found : undefined
}
