import type { Line, Message } from '../data/data-rule.ts'
import {
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

/** Numaplane: the rollout's own phase, its child, and a progressive upgrade that failed. */
function numaplane(kind: string): ShippedRule {
  const lines: Line[] = [
    [any(not(present('status')), unobserved()), 'Progressing', 'Not yet reconciled'],
    [condition('ProgressiveUpgradeSucceeded', 'False'), 'Degraded', 'Progressive upgrade failed'],
    [equals('status.phase', 'Failed'), 'Degraded', '{status.message}'],
    [condition('ChildResourcesHealthy', 'False', { reasons: ['Progressing'] }), 'Progressing', 'Child Progressing'],
    [condition('ChildResourcesHealthy', 'False'), 'Degraded', MESSAGE],
    [any(equals('status.phase', 'Pending'), filled('status.upgradeInProgress')), 'Progressing', 'Update in progress'],
    [condition(['PipelinePausingOrPaused', 'MonoVertexPausingOrPaused'], 'True'), 'Healthy', MESSAGE],
    [equals('status.phase', 'Deployed'), 'Healthy', 'Healthy'],
  ]
  return rule(`numaplane.numaproj.io/${kind}`, lines, 'Not yet reconciled')
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
  ...['PipelineRollout', 'MonoVertexRollout', 'ISBServiceRollout', 'NumaflowControllerRollout'].map(numaplane),
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
