import type { Line } from '../data/data-rule.ts'
import { all, any, compare, condition, equals, filled, MESSAGE, not, present, rule, type ShippedRule } from './parts.ts'
import { choose, first, join, texts } from './value-parts.ts'

const CEPH = 'status.ceph.health'
const CEPH_STATE = 'status.state'

/** What Ceph says itself, and while that is well how the operator's work on it is going. */
const cephCluster = rule(
  'ceph.rook.io/CephCluster',
  [
    [not(present('status')), 'Progressing', 'Waiting for status to be reported'],
    [equals(CEPH, 'HEALTH_WARN', 'HEALTH_ERR'), 'Degraded', '{$message}'],
    [all(equals(CEPH, 'HEALTH_OK'), equals(CEPH_STATE, 'Error')), 'Degraded', '{$message}'],
    [
      all(equals(CEPH, 'HEALTH_OK'), any(not(filled(CEPH_STATE)), equals(CEPH_STATE, 'Created', 'Connected'))),
      'Healthy',
      '{$message}',
    ],
  ],
  '{$message}',
  {
    details: join('status.ceph.details', '{entry.message}', { separator: '; ' }),
    ceph: choose(
      [
        [all(filled(CEPH), filled('$details')), `Ceph health is {${CEPH}} ({$details})`],
        [filled(CEPH), `Ceph health is {${CEPH}}`],
      ],
      '',
    ),
    state: choose([[all(equals(CEPH, 'HEALTH_OK'), filled(CEPH_STATE)), `Ceph cluster state is {${CEPH_STATE}}`]], ''),
    message: texts(' - ', '{$ceph}', '{$state}', '{status.message}'),
  },
)

const iamRole = rule(
  'iammanager.keikoproj.io/Iamrole',
  [
    [equals('status.state', 'Ready'), 'Healthy', "Role '{$name}' exists with ARN '{$arn}' and ID '{$id}'."],
    [
      equals('status.state', 'Error', 'RolesMaxLimitReached', 'PolicyNotAllowed', 'RoleNameNotAvailable'),
      'Degraded',
      "Failed to reconcile the Iamrole {$again}for role '{$name}' with ARN '{$arn}' and ID '{$id}'.{$error}",
    ],
  ],
  'Waiting for Iamrole to be reconciled',
  {
    name: first(['status.roleName'], '<none>'),
    arn: first(['status.roleARN'], '<none>'),
    id: first(['status.roleID'], '<none>'),
    again: choose([[compare('status.retryCount', '>', 0), '(retry {status.retryCount}) ']], ''),
    error: choose([[filled('status.errorDescription'), ' Reconciliation error was: {status.errorDescription}']], ''),
  },
)

const ASTRA = 'No status available'

/** 3scale: the first good or bad word that is True. `bad` maps a condition to what is said when it says nothing. */
function threeScale(
  kind: string,
  good: readonly [type: string, word: string],
  bad: { readonly [type: string]: string },
  before: readonly Line[] = [],
) {
  return rule(
    `capabilities.3scale.net/${kind}`,
    [
      ...before,
      ...Object.entries(bad).map(
        ([type, text]) =>
          [condition(type, 'True'), 'Degraded', `{condition.message|'3scale ${kind} ${text}'}`] as const,
      ),
      [condition(good[0], 'True'), 'Healthy', `3scale ${kind} is ${good[1]}`],
      [condition('Waiting', 'True'), 'Suspended', `{condition.message|'3scale ${kind} is waiting for approval'}`],
      [condition('In-progress', 'True'), 'Progressing', `{condition.message|'3scale ${kind} is in progress'}`],
    ],
    `Waiting for 3scale ${kind} status...`,
  )
}

const INVALID = 'configuration is invalid'
const UNSYNCED = 'synchronization failed'

const NO_APPLICATION = not(compare('status.adminId', '>', 0))

/** 3scale's Application: Ready not True is a failure until the far side has given an id. */
const threeScaleApplication = rule(
  'capabilities.3scale.net/Application',
  [
    [equals('status.state', 'suspended'), 'Suspended', '3scale Application is suspended'],
    [condition('Ready', 'True'), 'Healthy', '3scale Application is ready'],
    [all(condition('Ready'), NO_APPLICATION), 'Degraded', "{condition.message|'3scale Application is not ready'}"],
  ],
  'Waiting for 3scale Application status...',
)

/** A Tenant is ready when the far side has given both of its ids, whatever its condition says before. */
const threeScaleTenant = rule(
  'capabilities.3scale.net/Tenant',
  [
    [
      all(condition('Ready', 'True'), compare('status.tenantId', '>', 0), compare('status.adminId', '>', 0)),
      'Healthy',
      '3scale Tenant is ready',
    ],
    [
      condition('Ready', undefined, { notStatuses: ['True'] }),
      'Degraded',
      "{condition.message|'3scale Tenant is degraded'}",
    ],
  ],
  'Waiting for 3scale Tenant status...',
)

/** Snapshots, Ceph, NetApp, 3scale, SAP, Pulumi, DNS-SD and others with few kinds. */
export const storageAndServiceRules: readonly ShippedRule[] = [
  rule(
    ['snapshot.storage.k8s.io/VolumeSnapshot', 'snapshot.storage.k8s.io/VolumeSnapshotContent'],
    [
      [equals('status.readyToUse', true), 'Healthy', 'Ready to use'],
      [present('status.error'), 'Degraded', '{status.error.message}'],
    ],
    'Waiting for status',
  ),
  cephCluster,
  rule(
    ['CephBlockPool', 'CephFilesystem', 'CephObjectStore', 'CephObjectStoreUser'].map(kind => `ceph.rook.io/${kind}`),
    (['Ready', 'Failure', ''] as const).flatMap(phase => {
      const status = phase === 'Ready' ? 'Healthy' : phase === 'Failure' ? 'Degraded' : 'Progressing'
      const held = phase === '' ? filled('status.phase') : equals('status.phase', phase)
      const message = 'Ceph object store phase is {status.phase}'
      return [
        [all(held, filled('status.info.endpoint')), status, `${message} - endpoint: {status.info.endpoint}`] as const,
        [held, status, message] as const,
      ]
    }),
    'Waiting for status to be reported',
  ),
  rule(
    'objectbucket.io/ObjectBucketClaim',
    [
      [equals('status.phase', 'Bound'), 'Healthy', 'Object bucket claim phase is {status.phase}'],
      [equals('status.phase', 'Failed'), 'Degraded', 'Object bucket claim phase is {status.phase}'],
      [present('status.phase'), 'Progressing', 'Object bucket claim phase is {status.phase}'],
      [present('status'), 'Progressing', 'Waiting for phase to be reported'],
    ],
    'Waiting for status to be reported',
  ),
  rule(
    'ocs.openshift.io/StorageCluster',
    [
      [condition('Degraded', 'True'), 'Degraded', MESSAGE],
      [condition('Progressing', 'True'), 'Progressing', MESSAGE],
      [condition('Available', 'True'), 'Healthy', MESSAGE],
    ],
    ['Unknown', 'StorageCluster is in an unknown state.'],
  ),
  rule(
    [
      'Backup',
      'BackupInplaceRestore',
      'BackupRestore',
      'ExecHooksRun',
      'KopiaVolumeBackup',
      'KopiaVolumeRestore',
      'ResourceBackup',
      'ResourceDelete',
      'ResourceRestore',
      'ResticVolumeBackup',
      'ResticVolumeRestore',
      'Snapshot',
      'SnapshotInplaceRestore',
      'SnapshotRestore',
    ].map(kind => `astra.netapp.io/${kind}`),
    [
      [equals('status.state', 'Completed'), 'Healthy', '{kind} Completed'],
      [equals('status.state', 'Running'), 'Progressing', '{kind} Running'],
      [present('status.state'), 'Degraded', '{status.state}'],
    ],
    ASTRA,
  ),
  rule(
    'astra.netapp.io/AppVault',
    [
      [equals('status.state', 'available', 'Available'), 'Healthy', 'AppVault Available'],
      [equals('status.state', 'failed', 'Failed'), 'Degraded', 'AppVault Failed'],
    ],
    ASTRA,
  ),
  rule(
    'astra.netapp.io/Application',
    [
      [condition('Ready', 'True'), 'Healthy', 'Astra Application Ready, protectionState: {status.protectionState}'],
      [condition('Ready', 'False'), 'Degraded', 'Astra Application Degraded, message: {condition.message}'],
    ],
    ASTRA,
  ),
  rule(
    'astra.netapp.io/ExecHook',
    [
      [equals('spec.enabled', true), 'Healthy', 'ExecHook enabled'],
      [equals('spec.enabled', false), 'Suspended', 'ExecHook disabled'],
    ],
    ASTRA,
  ),
  rule(
    'astra.netapp.io/Schedule',
    [[present('status.lastScheduleTime'), 'Healthy', 'Protection policy lastScheduleTime: {status.lastScheduleTime}']],
    ['Healthy', 'Protection policy not yet executed'],
  ),
  rule(
    'trident.netapp.io/TridentBackendConfig',
    [
      [
        all(equals('status.phase', 'Bound'), equals('status.lastOperationStatus', 'Success')),
        'Healthy',
        '{status.message}',
      ],
      [equals('status.lastOperationStatus', 'Failed'), 'Degraded', '{status.message}'],
    ],
    'Waiting for backend creation',
  ),
  rule(
    'trident.netapp.io/TridentOrchestrator',
    [
      [equals('status.status', 'Installed'), 'Healthy', '{status.message}'],
      [equals('status.status', 'Failed', 'Error'), 'Degraded', '{status.message}'],
    ],
    'Waiting for trident installation',
  ),
  rule(
    'apps.3scale.net/APIManager',
    [
      [
        all(
          present('status.deployments.ready'),
          not(any(present('status.deployments.starting'), present('status.deployments.stopped'))),
        ),
        'Healthy',
        '3scale APIManager is available',
      ],
      [condition('Available', 'True'), 'Healthy', '3scale APIManager is available'],
      [
        condition('Available', undefined, { notReasons: [''] }),
        'Degraded',
        '3scale APIManager is degraded: {condition.reason}',
      ],
    ],
    'Waiting for 3scale APIManager status...',
  ),
  threeScale('ActiveDoc', ['Ready', 'ready'], {
    Invalid: INVALID,
    Orphan: 'references non-existing resources',
    Failed: UNSYNCED,
  }),
  threeScale('ApplicationAuth', ['Ready', 'ready'], { Failed: 'failed' }),
  threeScale('Backend', ['Synced', 'synced'], { Invalid: INVALID, Failed: UNSYNCED }),
  threeScale('CustomPolicyDefinition', ['Ready', 'ready'], { Invalid: INVALID, Failed: UNSYNCED }),
  threeScale('DeveloperAccount', ['Ready', 'ready'], { Invalid: INVALID, Failed: UNSYNCED }),
  threeScale(
    'DeveloperUser',
    ['Ready', 'ready'],
    { Invalid: INVALID, Orphan: 'references non-existing resources', Failed: UNSYNCED },
    [
      [
        equals('status.developerUserState', 'suspended'),
        'Suspended',
        '3scale Developer user is waiting for admin approval',
      ],
    ],
  ),
  threeScale('OpenAPI', ['Ready', 'ready'], { Invalid: INVALID, Failed: 'reconciliation failed' }),
  threeScale('Product', ['Synced', 'synced'], {
    Invalid: INVALID,
    Orphan: 'references non-existing resources',
    Failed: UNSYNCED,
  }),
  threeScale('ProxyConfigPromote', ['Ready', 'ready'], { Failed: 'failed' }),
  threeScaleApplication,
  threeScaleTenant,
  rule(
    ['services.cloud.sap.com/ServiceInstance', 'services.cloud.sap.com/ServiceBinding'],
    [
      [any(condition('Succeeded', 'False'), condition('Failed', 'True')), 'Degraded', MESSAGE],
      [present('status.conditions'), 'Healthy', 'Ready to use'],
    ],
    'Waiting for status',
  ),
  rule(
    'pulumi.com/Stack',
    [
      [condition('Stalled', 'True'), 'Degraded', MESSAGE],
      [condition('Reconciling', 'True'), 'Progressing', MESSAGE],
      [condition('Ready', 'True'), 'Healthy', MESSAGE],
    ],
    'Waiting for the stack to be reconciled',
  ),
  rule(
    'proclaim.dogmatiq.io/DNSSDServiceInstance',
    [
      [condition('Adopted', 'False'), 'Degraded', MESSAGE],
      [condition('Advertised', undefined, { reasons: ['AdvertiseError', 'UnadvertiseError'] }), 'Degraded', MESSAGE],
      [condition('Discoverable', undefined, { reasons: ['DiscoveryError'] }), 'Unknown', MESSAGE],
      [condition('Discoverable', 'True'), 'Healthy', MESSAGE],
    ],
    '{Discoverable.message}',
  ),
  rule(
    'longhorn.io/Volume',
    [
      [equals('status.robustness', 'faulted'), 'Degraded', 'Volume is faulted'],
      [equals('status.state', 'detached'), 'Healthy', 'Volume is detached'],
      [not(equals('status.state', 'attached')), 'Progressing', "Volume is {status.state|'not reported yet'}"],
      [equals('status.robustness', 'healthy'), 'Healthy', 'Volume is attached and healthy'],
    ],
    "Volume is attached, its replicas are {status.robustness|'unknown'}",
  ),
  rule(
    'k8s.keycloak.org/Keycloak',
    [
      [not(present('status.conditions')), 'Progressing', 'Waiting for Keycloak status conditions to exist'],
      [condition('HasErrors', 'True'), 'Degraded', 'Has Errors: {condition.message}'],
      [condition('Ready', 'True'), 'Healthy'],
    ],
    '',
  ),
  iamRole,
]
