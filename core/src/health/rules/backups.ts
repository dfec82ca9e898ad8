import type { Line } from '../data/data-rule.ts'
import { equals, filled, kindsOf, rule, type ShippedRule } from './parts.ts'

const PHASE = 'status.phase'

/** A run that goes on after a part of it failed cannot end well any more. */
const failed: Line = [
  equals(
    PHASE,
    'Failed',
    'FailedValidation',
    'PartiallyFailed',
    'FinalizingPartiallyFailed',
    'WaitingForPluginOperationsPartiallyFailed',
  ),
  'Degraded',
  '{status.failureReason|status.phase}',
]

const goesOn: Line = [filled(PHASE), 'Progressing', '{status.phase}']

/** Velero. */
export const backupRules: readonly ShippedRule[] = [
  rule(
    kindsOf('velero.io', 'Backup', 'Restore'),
    [[equals(PHASE, 'Completed'), 'Healthy', '{kind} completed'], failed, goesOn],
    'Waiting for {kind} to be processed',
  ),
  rule(
    'velero.io/Schedule',
    [[equals(PHASE, 'Enabled'), 'Healthy', 'Schedule is enabled'], failed, goesOn],
    'Waiting for {kind} to be processed',
  ),
]
