import type { Line } from '../data/data-rule.ts'
import { all, any, condition, equals, REASON, rule, type ShippedRule, someCondition } from './parts.ts'

const SUSPENDED: Line = [equals('spec.suspend', true), 'Suspended', '{kind} is suspended']
const UNKNOWN = 'Status unknown'

/** While it works on a change Ready is Unknown and Reconciling is True; both together, because a retry has one only. */
const WORKING: Line = [all(condition('Ready', 'Unknown'), condition('Reconciling', 'True')), 'Progressing', REASON]

/** Its message is Ready's reason, which another condition's must not replace. */
const FAILED: readonly Line[] = [
  [condition('Ready'), 'Degraded', REASON],
  [someCondition({}), 'Degraded'],
]

const SOURCE: readonly Line[] = [
  WORKING,
  [all(condition('Ready', 'True'), condition('ArtifactInStorage', 'True')), 'Healthy', REASON],
  ...FAILED,
]

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
  ),
  rule(
    'source.toolkit.fluxcd.io/HelmRepository',
    [SUSPENDED, [equals('spec.type', 'oci'), 'Healthy', 'Helm repositories of type OCI are always healthy'], ...SOURCE],
    UNKNOWN,
  ),
  rule(
    ['image.toolkit.fluxcd.io/ImageRepository', 'image.toolkit.fluxcd.io/ImageUpdateAutomation'],
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
