import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { type Controller, ownAndOwned, splitKey } from './controller.ts'
import { type ControllerApi, conditionIs, conditionsOf, withCondition } from './controller-api.ts'
import { isActive, isReady, podFrom } from './pods.ts'

const BACKOFF_MS = 10_000
const LONGEST_BACKOFF_MS = 600_000

/** Jobs: Pods until enough have succeeded or too many have failed. */
export function jobController(api: ControllerApi): Controller {
  return {
    name: 'job',
    keysOf: event => ownAndOwned(event, 'batch/jobs', 'Job', ['/pods']),
    reconcile(key) {
      const { namespace, name } = splitKey(key)
      const job = api.get('batch', 'jobs', namespace, name)
      if (!job || isTerminating(job)) return undefined
      return isOver(job) ? expire(api, job) : advance(api, job)
    },
  }
}

function isOver(job: KubernetesObject): boolean {
  return conditionIs(job, 'Complete') || conditionIs(job, 'Failed')
}

/** A finished Job with a time to live goes when it is over. */
function expire(api: ControllerApi, job: KubernetesObject): number | undefined {
  const seconds = at(job, 'spec', 'ttlSecondsAfterFinished')
  if (typeof seconds !== 'number') return undefined
  const over = conditionsOf(job).find(each => each['type'] === 'Complete' || each['type'] === 'Failed')
  const left = Date.parse(String(over?.['lastTransitionTime'])) + seconds * 1000 - api.core.clock.now()
  if (left > 0) return left
  api.remove('batch', 'Job', job)
  return undefined
}

interface Tally {
  readonly active: readonly KubernetesObject[]
  readonly succeeded: number
  readonly failed: number
}

function tally(api: ControllerApi, job: KubernetesObject): Tally {
  const pods = api.owned('', 'pods', job)
  const inPhase = (phase: string) => pods.filter(pod => at(pod, 'status', 'phase') === phase).length
  return { active: pods.filter(isActive), succeeded: inPhase('Succeeded'), failed: inPhase('Failed') }
}

function advance(api: ControllerApi, job: KubernetesObject): number | undefined {
  const spec = job['spec'] as JsonObject
  const now = api.core.now()
  const counts = tally(api, job)
  if (spec['suspend'] === true) return suspend(api, job, counts)
  const startTime = String(at(job, 'status', 'startTime') ?? now)
  let conditions = conditionsOf(job)
  if (conditionIs(job, 'Suspended')) {
    const resumed = { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }
    conditions = withCondition(conditions, resumed, now)
  }
  const deadline = spec['activeDeadlineSeconds']
  const leftMs =
    typeof deadline === 'number' ? Date.parse(startTime) + deadline * 1000 - api.core.clock.now() : undefined
  if (leftMs !== undefined && leftMs <= 0) {
    return end(
      api,
      job,
      counts,
      failure('DeadlineExceeded', 'Job was active longer than specified deadline'),
      startTime,
    )
  }
  if (counts.failed > Number(spec['backoffLimit'] ?? 6)) {
    return end(
      api,
      job,
      counts,
      failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit'),
      startTime,
    )
  }
  const completions = spec['completions']
  const wanted = typeof completions === 'number' ? completions : undefined
  const enough = wanted === undefined ? counts.succeeded > 0 && counts.active.length === 0 : counts.succeeded >= wanted
  if (enough) return end(api, job, counts, SUCCESS, startTime)
  const waitMs = makePods(api, job, counts, wanted)
  writeStatus(api, job, tally(api, job), conditions, { startTime })
  return [leftMs, waitMs].filter(each => each !== undefined).sort((a, b) => a - b)[0]
}

/** Fills up to the parallelism; after a failure only when its back-off is over, which it returns otherwise. */
function makePods(
  api: ControllerApi,
  job: KubernetesObject,
  counts: Tally,
  wanted: number | undefined,
): number | undefined {
  const spec = job['spec'] as JsonObject
  const parallelism = Number(spec['parallelism'] ?? 1)
  const open =
    wanted === undefined ? (counts.succeeded > 0 ? 0 : parallelism) : Math.min(parallelism, wanted - counts.succeeded)
  if (counts.active.length > open) {
    for (const pod of counts.active.slice(open)) api.remove('', 'Pod', pod)
    return undefined
  }
  if (counts.active.length === open) return undefined
  if (counts.failed > 0) {
    const backoff = Math.min(BACKOFF_MS * 2 ** (counts.failed - 1), LONGEST_BACKOFF_MS)
    const left = lastFailure(api, job) + backoff - api.core.clock.now()
    if (left > 0) return left
  }
  const template = spec['template'] as JsonObject
  const indexed = spec['completionMode'] === 'Indexed'
  const used = new Set(
    api
      .owned('', 'pods', job)
      .filter(pod => at(pod, 'status', 'phase') !== 'Failed')
      .map(indexOf),
  )
  let index = 0
  for (let count = counts.active.length; count < open; count++) {
    while (used.has(String(index))) index++
    used.add(String(index))
    const labels = indexed ? { 'batch.kubernetes.io/job-completion-index': String(index) } : {}
    const pod = podFrom(template, job, { generateName: `${job.metadata.name}-${indexed ? `${index}-` : ''}`, labels })
    const metadata = pod['metadata'] as JsonObject
    const annotations = { ...(metadata['annotations'] as JsonObject), ...labels }
    api.create('', 'Pod', { ...pod, metadata: { ...metadata, annotations } })
  }
  return undefined
}

function indexOf(pod: KubernetesObject): string {
  return pod.metadata.labels?.['batch.kubernetes.io/job-completion-index'] ?? ''
}

function lastFailure(api: ControllerApi, job: KubernetesObject): number {
  const times = api
    .owned('', 'pods', job)
    .filter(pod => at(pod, 'status', 'phase') === 'Failed')
    .map(pod => Date.parse(String(conditionsOf(pod).find(each => each['type'] === 'Ready')?.['lastTransitionTime'])))
  return Math.max(0, ...times)
}

function suspend(api: ControllerApi, job: KubernetesObject, counts: Tally): undefined {
  for (const pod of counts.active) api.remove('', 'Pod', pod)
  const condition = { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }
  writeStatus(api, job, { ...counts, active: [] }, withProbe(job, [condition], api.core.now()), {})
  return undefined
}

const SUCCESS: readonly JsonObject[] = ['SuccessCriteriaMet', 'Complete'].map(type => ({
  type,
  status: 'True',
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
}))

function failure(reason: string, message: string): readonly JsonObject[] {
  return ['FailureTarget', 'Failed'].map(type => ({ type, status: 'True', reason, message }))
}

function end(
  api: ControllerApi,
  job: KubernetesObject,
  counts: Tally,
  outcome: readonly JsonObject[],
  startTime: string,
): number | undefined {
  const now = api.core.now()
  for (const pod of counts.active) api.remove('', 'Pod', pod)
  const completionTime = outcome === SUCCESS ? { completionTime: now } : {}
  // Pods that were still active when the Job failed count as failed.
  const failed = outcome === SUCCESS ? counts.failed : counts.failed + counts.active.length
  const ended = { active: [], succeeded: counts.succeeded, failed }
  writeStatus(api, job, ended, withProbe(job, outcome, now), { startTime, ...completionTime })
  return typeof at(job, 'spec', 'ttlSecondsAfterFinished') === 'number' ? 0 : undefined
}

function withProbe(job: KubernetesObject, added: readonly JsonObject[], now: string): readonly JsonObject[] {
  let conditions = conditionsOf(job)
  for (const condition of added) conditions = withCondition(conditions, { ...condition, lastProbeTime: now }, now)
  return conditions
}

function writeStatus(
  api: ControllerApi,
  job: KubernetesObject,
  counts: Tally,
  conditions: readonly JsonObject[],
  times: JsonObject,
): void {
  api.updateStatus('batch', 'Job', job, {
    ...times,
    ...(conditions.length > 0 ? { conditions } : {}),
    active: counts.active.length,
    ready: counts.active.filter(isReady).length,
    succeeded: counts.succeeded,
    failed: counts.failed,
    terminating: 0,
    uncountedTerminatedPods: {},
  })
}
