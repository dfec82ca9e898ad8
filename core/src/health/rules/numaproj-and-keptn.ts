import type { Line, Message } from '../data/data-rule.ts'
import {
  all,
  any,
  condition,
  equals,
  filled,
  MESSAGE,
  not,
  present,
  rule,
  type ShippedRule,
  someCondition,
  unobserved,
} from './parts.ts'

const PROGRESSIVE = ['metadata', 'labels', 'numaplane.numaproj.io/progressive-result-state']

/** Numaflow: a part that is False, or a failed phase; paused is meant. */
function numaflow(kind: string, unhealthy: Message, pausedPhases: readonly string[]): ShippedRule {
  const waiting = `Waiting for ${kind} status`
  const lines: Line[] = [
    [any(not(present('status')), unobserved()), 'Progressing', waiting],
    [equals('status.phase', 'Failed'), 'Degraded', '{status.message}'],
    [equals(PROGRESSIVE, 'failed'), 'Degraded', 'Failed progressive upgrade'],
    [someCondition({ statuses: ['False'] }), 'Degraded', unhealthy],
    [equals('status.phase', ...pausedPhases), 'Healthy', `${kind} is paused`],
    [equals('status.phase', 'Running'), 'Healthy', `${kind} is healthy`],
  ]
  return rule(`numaflow.numaproj.io/${kind}`, lines, waiting)
}

const UPGRADE_FAILED = condition('ProgressiveUpgradeSucceeded', 'False')

/** Numaplane: what is under way comes before what has failed, but for a progressive upgrade that has. */
function numaplane(kind: string): ShippedRule {
  const lines: Line[] = [
    [any(not(present('status')), unobserved()), 'Progressing', 'Not yet reconciled'],
    [
      all(any(equals('status.phase', 'Pending'), filled('status.upgradeInProgress')), not(UPGRADE_FAILED)),
      'Progressing',
      'Update in progress',
    ],
    [condition('ChildResourcesHealthy', 'False', { reasons: ['Progressing'] }), 'Progressing', 'Child Progressing'],
    [equals('status.phase', 'Failed'), 'Degraded', '{status.message}'],
    [condition('ChildResourcesHealthy', 'False'), 'Degraded', MESSAGE],
    [UPGRADE_FAILED, 'Degraded', 'Progressive upgrade failed'],
    [condition(['PipelinePausingOrPaused', 'MonoVertexPausingOrPaused'], 'True'), 'Healthy', MESSAGE],
    [condition('ChildResourcesHealthy', 'True'), 'Healthy', 'Healthy'],
  ]
  return rule(`numaplane.numaproj.io/${kind}Rollout`, lines, ['Unknown', `Unknown ${kind} status`])
}

/** Keptn: one word says how a thing ended. */
function keptn(kind: string, path: string, group = 'lifecycle.keptn.sh'): ShippedRule {
  const lines: Line[] = [
    [equals(path, 'Succeeded'), 'Healthy', `${kind} is healthy`],
    [equals(path, 'Failed'), 'Degraded', `${kind} is degraded`],
  ]
  return rule(`${group}/${kind}`, lines, `${kind} is progressing`)
}

/** Numaproj's and Keptn's kinds. */
export const numaprojAndKeptnRules: readonly ShippedRule[] = [
  numaflow('Pipeline', 'Subresources are unhealthy', ['Paused', 'Pausing']),
  numaflow('MonoVertex', 'Subresources are unhealthy', ['Paused']),
  numaflow('Vertex', MESSAGE, ['Paused']),
  numaflow('InterStepBufferService', MESSAGE, []),
  ...['Pipeline', 'MonoVertex', 'ISBService', 'NumaflowController'].map(kind => numaplane(kind)),
  ...['KeptnAppVersion', 'KeptnTask', 'KeptnWorkloadInstance', 'KeptnWorkloadVersion'].map(kind =>
    keptn(kind, 'status.status'),
  ),
  keptn('KeptnEvaluation', 'status.overallStatus'),
  rule(
    'metrics.keptn.sh/Analysis',
    [
      [equals('status.pass', true), 'Healthy', 'Analysis is healthy'],
      [equals('status.warning', true), 'Healthy', 'Analysis is healthy with warnings'],
      [equals('status.pass', false), 'Degraded', 'Analysis is degraded'],
    ],
    'Analysis is progressing',
  ),
  rule(
    'metrics.keptn.sh/KeptnMetric',
    [
      [filled('status.errMsg'), 'Degraded', 'KeptnMetric is degraded'],
      [present('status.value'), 'Healthy', 'KeptnMetric is healthy'],
    ],
    'KeptnMetric is progressing',
  ),
]
