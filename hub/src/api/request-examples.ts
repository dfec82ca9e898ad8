/** A freeze as it is made through the API. */
const FREEZE = {
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'FreezePeriod',
  metadata: { name: 'year-end', owner: 'platform' },
  spec: {
    level: 'hard',
    reason: 'the books are closed',
    scope: { environments: ['prod'] },
    when: [{ from: '2030-12-18', through: '2030-12-31' }],
  },
}
/** A sync window as it is made through the API. */
const WINDOW = {
  apiVersion: 'flotilla.dev/v1alpha1',
  kind: 'SyncWindow',
  metadata: { name: 'market-days', owner: 'shop' },
  spec: { kind: 'deny', schedule: '0 8 * * sat', duration: '6h', scope: { projects: ['shop'] }, manualSync: true },
}
const OBJECT = { group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'checkout' }

/** A body of each operation that wants one, as somebody would write it; a test holds each against its schema. */
export const REQUEST_EXAMPLES: { readonly [operation: string]: unknown } = {
  syncApplication: { prune: true, reason: 'INC-4711' },
  rollbackApplication: { until: '2030-12-24T12:00:00Z', reason: 'INC-4711' },
  pinApplication: { revision: 'v1.4.2', reason: 'until the fix is out' },
  pauseApplication: { reason: 'looking at it by hand', until: '2100-01-01T00:00:00Z' },
  resumeApplication: { reason: 'found it' },
  unpinApplication: { reason: 'the fix is out' },
  signInByPassword: { name: 'ana', password: 'correct horse battery staple' },
  signOut: { everywhere: false },
  terminateApplication: { reason: 'wrong revision' },
  actOnObject: { ...OBJECT, reason: 'it leaks' },
  operateOnMany: { action: 'sync', project: 'shop', labels: 'tier=gold', dryRun: true },
  scheduleSync: { notBefore: '2030-12-24T02:00:00Z', reason: 'at night' },
  cancelScheduledSync: { reason: 'done by hand' },
  approveConfirmation: { reason: 'moved to team b', digest: `sha256:${'0'.repeat(64)}` },
  rejectConfirmation: { reason: 'not meant' },
  approveDeletionOfSet: { reason: 'moved to team b' },
  rejectDeletionOfSet: { reason: 'not meant' },
  createFreeze: FREEZE,
  freezeNow: { scope: { environments: ['prod'] }, reason: 'INC-4711', until: '+4h' },
  editFreeze: { spec: { reason: 'the books are closed, and audited' } },
  endFreeze: { reason: 'closed earlier' },
  createWindow: WINDOW,
  editWindow: { spec: { duration: '8h' }, reason: 'the market is longer in summer' },
  simulateGates: { put: [FREEZE], from: 'now', to: '+168h' },
  requestOverride: { scope: { applications: { names: ['shop-checkout-eu-1'] } }, until: '+2h', reason: 'INC-4711' },
  approveOverride: { comment: 'agreed' },
  revokeOverride: { reason: 'mended otherwise' },
  reviewOverride: { comment: 'cause found, see the report' },
  approveAdminRight: { comment: 'ana leads the platform from May' },
  revokeAdminRight: { reason: 'she has left' },
  createToken: { name: 'ci', role: 'readonly', expires: '+720h' },
  createPendingJoinToken: { labels: { site: 'store' }, max: 500 },
  approveCluster: { enrolment: '3f9a1c2b4d5e6f708192' },
  rejectEnrolment: { reason: 'nobody knows it' },
  releaseCluster: { dryRun: true },
  revokeCluster: { reason: 'the machine was stolen' },
  rotateHubKey: { force: false },
  acknowledgeRecovery: { digest: `sha256:${'0'.repeat(64)}` },
  previewChange: { source: 'platform', revision: 'my-branch' },
}
