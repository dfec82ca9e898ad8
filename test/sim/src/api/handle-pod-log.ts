import { listAt, objectAt, textAt } from '@flotilla/core/json/read-json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { badRequest, methodNotAllowed, notFound } from './api-error.ts'
import type { Core } from './core.ts'
import { type Handling, type ResourceTarget, verbOf } from './handle-resource.ts'
import { flag } from './request.ts'
import { type ApiResponse, encode } from './response.ts'

/** What a container has printed, and when. */
export interface LogLine {
  readonly atMs: number
  readonly text: string
}

/** What containers print, by Pod and container; the Pod's own annotation `sim/log` comes first. */
export class PodLogs {
  readonly #lines = new Map<string, LogLine[]>()
  readonly #listeners = new Set<() => void>()

  print(uid: string, container: string, text: string, atMs: number): void {
    const key = `${uid} ${container}`
    const lines = this.#lines.get(key) ?? []
    for (const line of text.split('\n')) lines.push({ atMs, text: line })
    this.#lines.set(key, lines)
    for (const listener of this.#listeners) listener()
  }

  of(uid: string, container: string): readonly LogLine[] {
    return this.#lines.get(`${uid} ${container}`) ?? []
  }

  onPrint(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

/** How often a stream that is followed looks whether its Pod is still there. */
const LOOK_MS = 100

/** GET of a Pod's `log`: text, to its end or as long as the container runs. */
export function handlePodLog(handling: Handling, target: ResourceTarget, name: string): ApiResponse {
  const { core, request } = handling
  const { type, namespace } = target
  if (request.method !== 'GET') throw methodNotAllowed(type, verbOf(request, target))
  const pod = core.store.get(type.storageKey, namespace, name)
  if (!pod) throw notFound(type, name)
  const { query } = request
  const container = containerOf(pod, query.get('container') ?? '')
  if (flag(query, 'previous')) {
    throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`)
  }
  if (textAt(pod, 'status', 'phase') === 'Pending') {
    throw badRequest(`container "${container}" in pod "${name}" is waiting to start: ContainerCreating`)
  }
  const first = linesOf(core, pod, container)
  const since = wholeNumber(query, 'sinceSeconds')
  const recent = since === undefined ? first : first.filter(({ atMs }) => atMs >= core.clock.now() - since * 1000)
  const tail = wholeNumber(query, 'tailLines')
  const shown = tail === undefined ? recent : tail === 0 ? [] : recent.slice(-tail)
  const stamped = flag(query, 'timestamps')
  const write = ({ atMs, text }: LogLine) => encode(`${stamped ? `${isoTime(atMs)} ` : ''}${text}\n`)
  const body = flag(query, 'follow') ? follow(core, pod, container, shown, first.length, write) : each(shown, write)
  return { kind: 'stream', body, contentType: 'text/plain' }
}

async function* each(lines: readonly LogLine[], write: (line: LogLine) => Uint8Array): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield write(line)
}

async function* follow(
  core: Core,
  pod: KubernetesObject,
  container: string,
  shown: readonly LogLine[],
  seen: number,
  write: (line: LogLine) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  yield* each(shown, write)
  const { uid = '', namespace = '', name = '' } = pod.metadata
  let next = seen
  for (;;) {
    const lines = linesOf(core, pod, container)
    while (next < lines.length) yield write(lines[next++]!)
    const live = core.store.get('/pods', namespace, name)
    if (live?.metadata.uid !== uid || textAt(live, 'status', 'phase') !== 'Running') return
    await news(core)
  }
}

function news(core: Core): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      timer.cancel()
      stop()
      resolve()
    }
    const timer = core.clock.setTimer(LOOK_MS, done)
    const stop = core.logs.onPrint(done)
  })
}

function linesOf({ logs }: Core, pod: KubernetesObject, container: string): readonly LogLine[] {
  const own = textAt(objectAt(pod, 'metadata', 'annotations'), 'sim/log')
  const startedAt = Date.parse(textAt(pod, 'status', 'startTime'))
  const annotated = own === '' ? [] : own.split('\n').map(text => ({ atMs: startedAt, text }))
  return [...annotated, ...logs.of(pod.metadata.uid ?? '', container)]
}

function containerOf(pod: KubernetesObject, asked: string): string {
  const names = ['initContainers', 'containers', 'ephemeralContainers'].flatMap(list =>
    listAt(pod, 'spec', list).map(each => textAt(each, 'name')),
  )
  const ordinary = listAt(pod, 'spec', 'containers').map(each => textAt(each, 'name'))
  const name = pod.metadata.name ?? ''
  if (asked === '' && ordinary.length > 1) {
    const choices = ordinary.join(' ')
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${choices}]`)
  }
  if (asked !== '' && !names.includes(asked)) throw badRequest(`container ${asked} is not valid for pod ${name}`)
  return asked === '' ? (ordinary[0] ?? '') : asked
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^\d+$/.test(text)) throw badRequest(`${name} must be a whole number`)
  return Number(text)
}
