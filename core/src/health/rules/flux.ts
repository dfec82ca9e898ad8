import type { Line, Values } from '../data/data-rule.ts'
import { all, any, condition, equals, REASON, rule, type ShippedRule, someCondition } from './parts.ts'
import { choose, texts } from './value-parts.ts'

const SUSPENDED: Line = [equals('spec.suspend', true), 'Suspended', '{kind} is suspended']
const UNKNOWN = 'Status unknown'

/** While it works on a change Ready is Unknown and Reconciling is True; both together, because a retry has one only. */
const WORKING: Line = [all(condition('Ready', 'Unknown'), condition('Reconciling', 'True')), 'Progressing', REASON]

/** Its message is Ready's reason, which another condition's must not replace. */
const FAILED: readonly Line[] = [
  [condition('Ready'), 'Degraded', REASON],
  [someCondition({}), 'Degraded'],
]

/** Ready's reason, and why the artifact is not of the present source, which is what Ready waits for. */
const SOURCE_MESSAGE = '{$ready}{$outdated}'

const SOURCE: readonly Line[] = [
  [all(condition('Ready', 'Unknown'), condition('Reconciling', 'True')), 'Progressing', SOURCE_MESSAGE],
  [all(condition('Ready', 'True'), condition('ArtifactInStorage', 'True')), 'Healthy', SOURCE_MESSAGE],
  [someCondition({}), 'Degraded', SOURCE_MESSAGE],
]

const SOURCE_VALUES: Values = {
  ready: texts('', '{Ready.reason}'),
  outdated: choose([[condition('ArtifactOutdated', 'True'), ' {condition.reason}']], ''),
}

/** Flux 2. */
export const fluxRules: readonly ShippedRule[] = [
  rule(
    'kustomize.toolkit.fluxcd.io/Kustomization',
    [SUSPENDED, WORKING, [condition('Ready', 'True'), 'Healthy', REASON], ...FAILED],
    UNKNOWN,
  ),
  rule(
    'helm.toolkit.fluxcd.io/HelmRelease',
    [
      SUSPENDED,
      WORKING,
      [
        all(condition('Ready', 'True'), any(condition('Released', 'True'), condition('TestSuccess', 'True'))),
        'Healthy',
        REASON,
      ],
      ...FAILED,
    ],
    UNKNOWN,
  ),
  rule(
    [
      'source.toolkit.fluxcd.io/GitRepository',
      'source.toolkit.fluxcd.io/OCIRepository',
      'source.toolkit.fluxcd.io/Bucket',
      'source.toolkit.fluxcd.io/HelmChart',
    ],
    [SUSPENDED, ...SOURCE],
    UNKNOWN,
    SOURCE_VALUES,
  ),
  rule(
    'source.toolkit.fluxcd.io/HelmRepository',
    [
      SUSPENDED,
      [
        equals('spec.type', 'oci'),
        'Healthy',
        "Helm repositories of type 'oci' do not contain any information in the status.",
      ],
      ...SOURCE,
    ],
    UNKNOWN,
    SOURCE_VALUES,
  ),
  rule(
    'image.toolkit.fluxcd.io/ImageRepository',
    [
      SUSPENDED,
      [
        all(condition('Ready', 'False'), condition('Reconciling', 'True', { reasons: ['NewGeneration', 'Scanning'] })),
        'Progressing',
        REASON,
      ],
      [condition('Ready', 'True'), 'Healthy', REASON],
      ...FAILED,
    ],
    UNKNOWN,
  ),
  rule(
    'image.toolkit.fluxcd.io/ImageUpdateAutomation',
    [SUSPENDED, WORKING, [condition('Ready', 'True'), 'Healthy', REASON], ...FAILED],
    UNKNOWN,
  ),
  rule(
    'image.toolkit.fluxcd.io/ImagePolicy',
    [
      [
        all(
          condition('Ready', 'False'),
          condition('Reconciling', 'True', { reasons: ['NewGeneration', 'AccessingRepository', 'ApplyingPolicy'] }),
        ),
        'Progressing',
        REASON,
      ],
      [condition('Ready', 'True'), 'Healthy', REASON],
      ...FAILED,
    ],
    UNKNOWN,
  ),
  rule(
    'notification.toolkit.fluxcd.io/Receiver',
    [SUSPENDED, [condition('Ready', 'True'), 'Healthy', REASON], ...FAILED],
    UNKNOWN,
  ),
]
