import { all, any, compare, condition, equals, filled, MESSAGE, not, phases, present, rule, same } from './parts.ts'
import { first } from './value-parts.ts'

const WORKLOAD_GENERATION = ['metadata', 'annotations', 'rollout.argoproj.io/workload-generation']
const HASH = 'status.currentPodHash'
const BLUE_GREEN = present('spec.strategy.blueGreen')
const CANARY = present('spec.strategy.canary')

/** Argo Rollouts: the controller's own phase where it writes one, else (before 1.0) what conditions and counts say. */
export const rolloutRule = rule(
  ['argoproj.io/Rollout', 'spot.io/SpotDeployment'],
  [
    [
      any(
        not(present('status')),
        // Written as a text; one that is no number or is ahead comes from before 0.10 and says nothing.
        all(present('status.observedGeneration'), compare('status.observedGeneration', '<', 'metadata.generation')),
        all(
          present('spec.workloadRef'),
          // Without annotations it comes from before 1.1, which does not write the workload's generation.
          present('metadata.annotations'),
          not(same(WORKLOAD_GENERATION, 'status.workloadObservedGeneration')),
        ),
      ),
      'Progressing',
      'Waiting for rollout spec update to be observed',
    ],
    ...phases(
      'status.phase',
      {
        Healthy: 'Healthy',
        Suspended: ['Paused', 'Suspended'],
        Progressing: 'Progressing',
        Missing: 'Missing',
        Degraded: 'Degraded',
      },
      '{status.message}',
    ),
    [filled('status.phase'), 'Unknown', '{status.message}'],
    [
      any(
        condition('InvalidSpec'),
        condition('Progressing', undefined, { reasons: ['RolloutAborted', 'ProgressDeadlineExceeded'] }),
      ),
      'Degraded',
      MESSAGE,
    ],
    [any(filled('status.pauseConditions'), equals('spec.paused', true)), 'Suspended', 'Rollout is paused'],
    [not(filled(HASH)), 'Progressing', 'Waiting for rollout to finish: status has not been reconciled.'],
    [
      compare('status.updatedReplicas', '<', '$wanted'),
      'Progressing',
      'Waiting for roll out to finish: More replicas need to be updated',
    ],
    [
      compare('status.availableReplicas', '<', 'status.updatedReplicas'),
      'Progressing',
      'Waiting for roll out to finish: updated replicas are still becoming available',
    ],
    [
      all(BLUE_GREEN, not(same('status.blueGreen.activeSelector', HASH))),
      'Progressing',
      'active service cutover pending',
    ],
    [all(BLUE_GREEN, filled('$stable'), not(same('$stable', HASH))), 'Progressing', 'waiting for analysis to complete'],
    [BLUE_GREEN, 'Healthy'],
    [
      all(CANARY, compare('status.replicas', '>', 'status.updatedReplicas')),
      'Progressing',
      'Waiting for roll out to finish: old replicas are pending termination',
    ],
    [all(CANARY, not(same('$stable', HASH))), 'Progressing', 'Waiting for rollout to finish steps'],
  ],
  ['Healthy'],
  { wanted: first(['spec.replicas'], 1), stable: first(['status.stableRS', 'status.canary.stableRS']) },
)
