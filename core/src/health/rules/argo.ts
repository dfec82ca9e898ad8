import { condition, equals, goodWhenTrue, MESSAGE, not, present, rule, type ShippedRule, stale } from './parts.ts'
import { rolloutRule } from './rollout.ts'

/** Argo's own kinds but the Promoter's: Rollouts, Workflows, Events, ApplicationSets, the Image Updater. */
export const argoRules: readonly ShippedRule[] = [
  rolloutRule,
  rule(
    'argoproj.io/AnalysisRun',
    [
      [equals('status.phase', 'Pending', 'Running'), 'Progressing', 'Analysis run is running'],
      [equals('status.phase', 'Successful'), 'Healthy', "{status.message|'Analysis run completed successfully'}"],
      [equals('status.phase', 'Failed'), 'Degraded', "{status.message|'Analysis run failed'}"],
      [equals('status.phase', 'Error'), 'Degraded', "{status.message|'Analysis run had an error'}"],
      [equals('status.phase', 'Inconclusive'), 'Unknown', "{status.message|'Analysis run was inconclusive'}"],
    ],
    'Waiting for analysis run to finish: status has not been reconciled.',
  ),
  rule(
    'argoproj.io/Experiment',
    [
      [equals('status.phase', 'Pending'), 'Progressing', 'Experiment is pending'],
      [equals('status.phase', 'Running'), 'Progressing', 'Experiment is running'],
      [equals('status.phase', 'Successful'), 'Healthy', 'Experiment is successful'],
      [equals('status.phase', 'Failed'), 'Degraded', 'Experiment has failed'],
      [equals('status.phase', 'Error'), 'Degraded', 'Experiment had an error'],
    ],
    'Waiting for experiment to finish: status has not been reconciled.',
  ),
  rule(
    'argoproj.io/ApplicationSet',
    [
      [condition('ErrorOccurred', 'True'), 'Degraded', MESSAGE],
      [condition('ResourcesUpToDate', 'False'), 'Degraded', MESSAGE],
      [condition('RolloutProgressing', 'True'), 'Progressing', MESSAGE],
      [condition('ResourcesUpToDate', 'True'), 'Healthy', MESSAGE],
    ],
    'Waiting for the status to be reported',
  ),
  rule(
    'argoproj.io/EventBus',
    goodWhenTrue('Deployed', '{condition.message|condition.reason}'),
    'Waiting for initialization',
  ),
  rule(
    'argocd-image-updater.argoproj.io/ImageUpdater',
    [
      [not(present('status.conditions')), 'Progressing', 'Waiting for ImageUpdater to be reconciled'],
      [stale(), 'Progressing', 'Waiting for ImageUpdater to see its latest generation'],
      [condition('Error', 'True'), 'Degraded', MESSAGE],
      [condition('Reconciling', 'True'), 'Progressing', MESSAGE],
      ...goodWhenTrue('Ready'),
    ],
    'Waiting for ImageUpdater to say whether it is ready',
  ),
  rule(
    'argoproj.io/CronWorkflow',
    [
      [condition('SpecError', 'True'), 'Degraded', MESSAGE],
      [condition('SubmissionError', 'True'), 'Degraded', MESSAGE],
      [condition('Completed', 'True'), 'Healthy', MESSAGE],
    ],
    ['Healthy', 'CronWorkflow is healthy.'],
  ),
]
