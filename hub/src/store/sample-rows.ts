import { type Digest, sha256 } from '@flotilla/core/json/canonical-json'
import type { DeletionPlan } from '@flotilla/core/model/deletion-plan'
import type { PersonRow, SessionRow } from '@flotilla/core/ports/sign-in-rows'
import type {
  AlertRow,
  ApplicationRow,
  BulkItemRow,
  BulkOperationRow,
  BundleRow,
  CalendarRow,
  ClusterRow,
  CommandRow,
  DocumentRow,
  EnrolmentRow,
  GrantRow,
  IncidentRow,
  JoinTokenRow,
  KeptAnswerRow,
  MadeGateRow,
  MessageRow,
  OperationRow,
  OverrideRow,
  ReportRow,
  SetRow,
  SourceDocumentRow,
  SourceRow,
  TokenRow,
} from '@flotilla/core/ports/store'

/** Whole rows for the tests of stores and of what reads them; every field can be given. */

export const digestOf = (text: string): Digest => sha256(text)

export function sampleSource(over: Partial<SourceRow> = {}): SourceRow {
  return {
    name: 'platform',
    repository: 'https://git/fleet',
    revision: 'main',
    path: 'fleet',
    diagnostics: [],
    ...over,
  }
}

export function sampleSourceDocument(over: Partial<SourceDocumentRow> = {}): SourceDocumentRow {
  return {
    source: 'platform',
    file: 'fleet/shop.yaml',
    index: 0,
    kind: 'ApplicationSet',
    name: 'shop',
    startLine: 1,
    text: 'kind: ApplicationSet\n',
    commit: 'c1',
    ...over,
  }
}

export function sampleSet(over: Partial<SetRow> = {}): SetRow {
  return {
    key: 'platform/shop',
    source: 'platform',
    name: 'shop',
    contentDigest: 'd1',
    generators: [{ stale: false }],
    errors: [],
    expandedAt: 1_000,
    ...over,
  }
}

export function sampleApplication(over: Partial<ApplicationRow> = {}): ApplicationRow {
  return {
    id: 'app-1',
    name: 'shop-eu-1',
    state: 'active',
    project: 'shop',
    source: 'platform',
    clusterName: 'eu-1',
    namespace: 'shop',
    labels: {},
    document: { spec: { project: 'shop' } },
    provenance: { source: 'platform', file: 'fleet/shop.yaml', line: 7, column: 1 },
    images: [],
    createdAt: 1_000,
    changedAt: 1_000,
    ...over,
  }
}

export function sampleCluster(over: Partial<ClusterRow> = {}): ClusterRow {
  return { id: 'cluster-1', name: 'eu-1', admission: 1, incarnation: 0, epoch: 1, lastNumber: 0, versions: {}, ...over }
}

export function sampleEnrolment(over: Partial<EnrolmentRow> = {}): EnrolmentRow {
  return {
    id: 'enrolment-1',
    tokenId: 'join-1',
    kind: 'pending',
    key: 'key-1',
    uid: 'uid-1',
    versions: { agent: '0.1.0' },
    proposedLabels: {},
    address: '192.0.2.1',
    requestedAt: 1_000,
    askedAt: 1_000,
    state: 'waiting',
    ...over,
  }
}

export function sampleAlert(over: Partial<AlertRow> = {}): AlertRow {
  return {
    id: 'oncall broken app-1',
    route: 'oncall',
    trigger: 'broken',
    subject: 'app-1',
    since: 1_000,
    ...over,
  }
}

export function sampleIncident(over: Partial<IncidentRow> = {}): IncidentRow {
  return {
    id: 'incident-1',
    route: 'oncall',
    trigger: 'broken',
    cause: { kind: 'commit', revision: 'abc' },
    key: 'commit abc',
    openedAt: 1_000,
    changedAt: 1_000,
    total: 1,
    ...over,
  }
}

export function sampleMessage(over: Partial<MessageRow> = {}): MessageRow {
  return {
    id: 'message-1',
    route: 'oncall',
    target: 'slack',
    incident: 'incident-1',
    kind: 'firing',
    state: 'waiting',
    createdAt: 1_000,
    dueAt: 1_000,
    attempts: 0,
    content: { title: 'shop is Degraded' },
    ...over,
  }
}

export function sampleJoinToken(over: Partial<JoinTokenRow> = {}): JoinTokenRow {
  return {
    id: 'join-1',
    clusterName: 'eu-1',
    secretHash: digestOf('s'),
    createdAt: 1_000,
    expiresAt: 2_000,
    ...over,
  }
}

export function sampleDocument(over: Partial<DocumentRow> = {}): DocumentRow {
  return {
    clusterId: 'cluster-1',
    key: 'application/app-1',
    typ: 'offer',
    number: { epoch: 1, n: 1 },
    applicationId: 'app-1',
    digest: digestOf('bundle'),
    meaning: 'm1',
    jws: 'a.b.c',
    issuedAt: 1_000,
    ...over,
  }
}

export function sampleGrant(over: Partial<GrantRow> = {}): GrantRow {
  return {
    id: 'grant-1',
    clusterId: 'cluster-1',
    applicationId: 'app-1',
    payload: {
      typ: 'grant',
      cluster: 'cluster-1',
      adm: 1,
      iat: 1_000,
      must: [],
      id: 'grant-1',
      application: 'app-1',
      document: { epoch: 1, n: 1 },
      cal: { epoch: 1, n: 0 },
      trigger: 'automated',
      by: 'hub',
      options: { dryRun: false, prune: true, revision: 'r1' },
      startBefore: 2_000,
      passes: [],
    },
    jws: 'a.b.c',
    state: 'open',
    createdAt: 1_000,
    ...over,
  }
}

export function sampleBulkOperation(over: Partial<BulkOperationRow> = {}): BulkOperationRow {
  const item = { application: 'web', cluster: 'eu-1', applicationId: 'app-1', operation: 'operation-1' } as const
  return {
    ...{ id: 'bulk-1', action: 'sync', by: 'ana@example.com', reason: 'new certificate', madeAt: 1_000 },
    items: [{ ...item, status: 'accepted', message: '' }],
    endedAt: 1_500,
    ...over,
  }
}

export function sampleBulkItem(over: Partial<BulkItemRow> = {}): BulkItemRow {
  const item = { application: 'web', cluster: 'eu-1', applicationId: 'app-1', status: 'done', message: '' } as const
  return { bulk: 'bulk-1', place: 0, item, ...over }
}

export function sampleKeptAnswer(over: Partial<KeptAnswerRow> = {}): KeptAnswerRow {
  return {
    ...{ principal: 'token-1', key: 'key-1', request: digestOf('request'), requestId: 'request-1', run: 'run-1' },
    ...{ answer: { status: 202, headers: {}, body: '{}' }, expiresAt: 2_000 },
    ...over,
  }
}

export function sampleCommand(over: Partial<CommandRow> = {}): CommandRow {
  const id = over.id ?? 'command-1'
  return {
    id,
    clusterId: 'cluster-1',
    applicationId: 'app-1',
    payload: {
      typ: 'command',
      cluster: 'cluster-1',
      adm: 1,
      iat: 1_000,
      must: [],
      id,
      application: 'app-1',
      action: { verb: 'terminate', operation: 'grant-1' },
      by: 'ana',
      expires: 2_000,
    },
    jws: 'a.b.c',
    state: 'open',
    createdAt: 1_000,
    ...over,
  }
}

export function sampleReport(over: Partial<ReportRow> = {}, entry: Partial<ReportRow['entry']> = {}): ReportRow {
  const applicationId = over.applicationId ?? 'app-1'
  return {
    applicationId,
    clusterId: 'cluster-1',
    admission: 1,
    entry: {
      application: applicationId,
      inc: 1,
      n: 1,
      gone: false,
      sync: { status: 'Synced' },
      health: { status: 'Healthy', since: 1_000 },
      objects: [],
      objectsCut: 0,
      objectCount: 3,
      images: [],
      observedAt: 1_000,
      ...entry,
    },
    hash: digestOf('entry'),
    receivedAt: 1_000,
    ...over,
  }
}

export function sampleOperation(
  over: Partial<Omit<OperationRow, 'sequence'>> = {},
  operation: Partial<OperationRow['operation']> = {},
): Omit<OperationRow, 'sequence'> {
  const id = over.id ?? 'grant-1'
  return {
    id,
    applicationId: 'app-1',
    clusterId: 'cluster-1',
    operation: {
      id,
      trigger: 'automated',
      by: 'hub',
      phase: 'Succeeded',
      message: '',
      digest: digestOf('bundle'),
      revision: 'r1',
      startedAt: 1_000,
      results: [],
      resultsCut: 0,
      ...operation,
    },
    ...over,
  }
}

export function sampleBundle(over: Partial<BundleRow> = {}): BundleRow {
  return {
    digest: digestOf('bundle'),
    format: 1,
    size: 100,
    objectCount: 3,
    holdsSecrets: false,
    images: [],
    createdAt: 1_000,
    ...over,
  }
}

export function samplePlan(over: Partial<DeletionPlan> = {}): DeletionPlan {
  return {
    id: 'plan-1',
    claimant: 'set/platform/shop',
    source: 'platform',
    set: 'shop',
    kind: 'shrink',
    digest: digestOf('list'),
    applications: [
      { id: 'app-1', name: 'shop-eu-1', project: 'shop', cluster: 'eu-1', namespace: 'shop', policy: 'prune' },
    ],
    count: { removed: 1, total: 1 },
    projects: [{ project: 'shop', removed: 1, total: 1 }],
    reason: 'set "shop" yields nothing any more',
    since: 1_000,
    state: 'held',
    ...over,
  }
}

export function sampleMadeGate(over: Partial<MadeGateRow> = {}): MadeGateRow {
  return {
    id: 'gate-1',
    kind: 'FreezePeriod',
    name: 'year-end',
    document: { apiVersion: 'flotilla.dev/v1alpha1', kind: 'FreezePeriod', metadata: { name: 'year-end' }, spec: {} },
    revision: 1,
    madeBy: 'ana',
    madeAt: 1_000,
    ...over,
  }
}

export function sampleOverride(over: Partial<OverrideRow> = {}): OverrideRow {
  return {
    id: 'override-1',
    scope: { applications: { names: ['checkout'] } },
    covers: ['freeze', 'window'],
    actions: ['sync'],
    from: 1_000,
    until: 9_000,
    reason: 'INC-4711 payments fail',
    requestedBy: 'ana',
    requestedAt: 1_000,
    approvalsNeeded: 1,
    rules: [],
    approvals: [],
    useCount: 0,
    uses: [],
    ...over,
  }
}

export function sampleCalendar(over: Partial<CalendarRow> = {}): CalendarRow {
  return { name: 'bank-holidays-de', source: 'https://example.com/de.ics', checkedAt: 1_000, ...over }
}

export function sampleSession(over: Partial<SessionRow> = {}): SessionRow {
  return {
    id: 'session-1',
    owner: 'account ana',
    name: 'ana',
    identity: { kind: 'account', account: 'ana' },
    by: 'cookie',
    secretHash: digestOf('s'),
    createdAt: 1_000,
    expiresAt: 9_000,
    lastUsedAt: 1_000,
    claimsAt: 1_000,
    ...over,
  }
}

export function samplePerson(over: Partial<PersonRow> = {}): PersonRow {
  return { id: 'account ana', name: 'ana', identity: { kind: 'account', account: 'ana' }, claimsAt: 1_000, ...over }
}

export function sampleToken(over: Partial<TokenRow> = {}): TokenRow {
  return { id: 'token-1', name: 'admin', role: 'admin', secretHash: digestOf('s'), createdAt: 1_000, ...over }
}
