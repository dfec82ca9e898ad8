import type { Line, Test } from '../data/data-rule.ts'
import {
  all,
  condition,
  equals,
  filled,
  MESSAGE,
  not,
  present,
  REASON,
  rule,
  type ShippedRule,
  same,
  some,
  someCondition,
  stale,
} from './parts.ts'

const UP_TO_DATE = 'Resource is up-to-date.'
const CONDITIONED: readonly string[] = ['status', 'conditionedStatus', 'conditions']

const FAILED: readonly Line[] = [
  [condition('LastAsyncOperation', 'False'), 'Degraded', MESSAGE],
  [condition('Synced', 'False'), 'Degraded', MESSAGE],
]

/**
 * A kind that has no status at all has nothing to say (a ProviderConfig, a Composition); Argo CD means these alone but
 * says it of every kind.
 */
const NO_STATUS: Line = [not(present('status')), 'Healthy', UP_TO_DATE]

/** Kinds that never write one, of which an empty one says as much as none. */
function emptyByNature(...kinds: readonly string[]): Line {
  return [all(not(filled('status')), equals('kind', ...kinds)), 'Healthy', UP_TO_DATE]
}

const PROVIDER_CONFIGS = ['ProviderConfig', 'ClusterProviderConfig', 'ProviderConfigUsage']

const IN_USE: Line = [
  all(
    not(present('status.conditions')),
    equals('kind', 'ProviderConfig', 'ClusterProviderConfig'),
    present('status.users'),
  ),
  'Healthy',
  'Resource is in use.',
]

/** The classic AWS provider: Ready and Synced together. */
const AWS: readonly Line[] = [
  [condition('Synced', 'False', { reasons: ['ReconcilePaused'] }), 'Suspended', REASON],
  [condition('Synced', 'False', { reasons: ['ReconcileError'] }), 'Degraded', MESSAGE],
  [all(condition('Ready', 'True'), condition('Synced', 'True')), 'Healthy', REASON],
  [condition('Synced', 'True'), 'Progressing', 'Waiting for {kind} to be available'],
  [present('status.conditions'), 'Degraded'],
]

/** kro says of each condition which generation it is about; one that does not is not believed. */
const KRO_CURRENT = all(present('entry.observedGeneration'), same('entry.observedGeneration', 'metadata.generation'))
const KRO_READY = [equals('entry.type', 'Ready'), equals('entry.status', 'True')]

/** A step of kro's own that has not been made. */
function kroUndone(...steps: readonly string[]): Test {
  return all(KRO_CURRENT, equals('entry.type', ...steps), equals('entry.status', 'False'))
}

const GRAPH_UNDONE = kroUndone('GraphRevisionsResolved', 'GraphAccepted', 'KindReady', 'ControllerReady', 'Ready')
const INSTANCE_UNDONE = kroUndone('InstanceManaged', 'GraphResolved', 'ResourcesReady', 'Ready')

/** Crossplane and its providers, kro, and the clouds' own controllers. */
export const cloudRules: readonly ShippedRule[] = [
  rule(
    [
      'rds.aws.crossplane.io/DBCluster',
      'rds.aws.crossplane.io/DBInstance',
      'iam.aws.crossplane.io/Policy',
      'iam.aws.crossplane.io/Role',
      'iam.aws.crossplane.io/RolePolicyAttachment',
      's3.aws.crossplane.io/Bucket',
      'ec2.aws.crossplane.io/*',
    ],
    AWS,
    'Waiting for {kind} to be created',
  ),
  rule(
    'route53.aws.crossplane.io/ResourceRecordSet',
    [
      ...AWS.slice(0, 3),
      // Argo CD's own spelling: people search for it.
      [condition('Synced', 'True'), 'Progressing', 'Waiting for resourcrecordset to be available'],
      [present('status.conditions'), 'Degraded'],
    ],
    'Waiting for resourcrecordset to be created',
  ),
  rule(
    'cloudfront.aws.crossplane.io/Distribution',
    [
      ...AWS.slice(0, 3),
      [condition('Synced', 'True'), 'Progressing', 'Waiting for distribution to be available'],
      [present('status.conditions'), 'Degraded'],
    ],
    'Waiting for distribution to be created',
  ),
  rule(
    '*.crossplane.io/*',
    [
      NO_STATUS,
      IN_USE,
      emptyByNature(
        ...PROVIDER_CONFIGS,
        'Composition',
        'CompositionRevision',
        'DeploymentRuntimeConfig',
        'ControllerConfig',
      ),
      ...FAILED,
      [
        condition(['Ready', 'Healthy', 'Offered', 'Established', 'ValidPipeline', 'RevisionHealthy'], 'True'),
        'Healthy',
        UP_TO_DATE,
      ],
    ],
    'Provisioning ...',
  ),
  rule(
    '*.upbound.io/*',
    [
      NO_STATUS,
      IN_USE,
      emptyByNature(...PROVIDER_CONFIGS),
      ...FAILED,
      [condition('Ready', 'True'), 'Healthy', UP_TO_DATE],
    ],
    'Provisioning ...',
  ),
  rule(
    'stacks.crossplane.io/ClusterStackInstall',
    [
      [condition('Ready', 'True', { at: CONDITIONED }), 'Healthy', REASON],
      [condition('Ready', undefined, { at: CONDITIONED }), 'Progressing', REASON],
    ],
    'Waiting for stack to be installed',
  ),
  rule(
    '*.cnrm.cloud.google.com/*',
    [
      [stale(), 'Progressing', 'Update in progress'],
      [
        all(equals('kind', 'ConfigConnector', 'ConfigConnectorContext'), equals('status.healthy', true)),
        'Healthy',
        '{kind} is healthy',
      ],
      [
        all(equals('kind', 'ConfigConnector', 'ConfigConnectorContext'), present('status.healthy')),
        'Degraded',
        '{kind} is not healthy',
      ],
      [someCondition({ reasons: ['UpdateFailed', 'DependencyNotFound'] }), 'Degraded', MESSAGE],
      [someCondition({ reasons: ['DependencyNotReady'] }), 'Suspended', MESSAGE],
      [someCondition({ reasons: ['UpToDate'], statuses: ['True'] }), 'Healthy', MESSAGE],
    ],
    'Update in progress',
  ),
  rule(
    '*.services.k8s.aws/*',
    [
      [condition('ACK.Terminal', 'True'), 'Degraded', MESSAGE],
      [condition('Ready', 'False'), 'Progressing', MESSAGE],
      [condition('Ready', 'True'), 'Healthy'],
    ],
    'Waiting for resource to be ready',
  ),
  rule(
    'networking.gke.io/ManagedCertificate',
    [
      [
        someCondition({ at: ['status', 'domainStatus'], statuses: ['FailedNotVisible'] }),
        'Degraded',
        'At least one certificate has failed to be provisioned',
      ],
      [equals('status.certificateStatus', 'Active'), 'Healthy', 'All certificates are active'],
    ],
    'At least one certificate is still being provisioned',
  ),
  rule(
    'kro.run/ResourceGraphDefinition',
    [
      [some('status.conditions', all(KRO_CURRENT, ...KRO_READY)), 'Healthy', 'The graph serves its instances'],
      [some('status.conditions', GRAPH_UNDONE), 'Degraded', '{entry.message|entry.type}'],
    ],
    'Waiting for the graph to become ready',
  ),
  rule(
    'kro.run/*',
    [
      [some('status.conditions', all(KRO_CURRENT, ...KRO_READY)), 'Healthy', 'The instance runs'],
      [
        all(equals('status.state', 'FAILED', 'ERROR'), some('status.conditions', INSTANCE_UNDONE)),
        'Degraded',
        '{entry.message|entry.type}',
      ],
      [
        all(equals('status.state', 'IN_PROGRESS'), some('status.conditions', INSTANCE_UNDONE)),
        'Progressing',
        '{entry.message|entry.type}',
      ],
    ],
    'Waiting for the instance to become ready',
  ),
  rule(
    'pkg.crossplane.io/Provider',
    [
      [
        all(condition('Installed', 'True'), condition('Healthy', 'True')),
        'Healthy',
        '{Installed.reason} {Healthy.reason}',
      ],
      [someCondition({}), 'Degraded', '{Installed.reason} {Healthy.reason}'],
    ],
    'Waiting for provider to be installed',
  ),
]
