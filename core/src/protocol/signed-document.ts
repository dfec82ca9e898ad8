import * as v from 'valibot'
import type { JsonObject } from '../json/json.ts'
import { LONGEST_ORPHAN_GLOB, MOST_ORPHAN_IGNORES } from '../orphans/orphan-rules.ts'
import { DELIVERY_TOOLS } from '../plan/tracking.ts'
import type {
  AdmissionPayload,
  CalendarPayload,
  CommandPayload,
  GrantPayload,
  GrantTrigger,
  HubKeysPayload,
  OfferPayload,
  PulsePayload,
  SignedDocument,
  TombstonePayload,
} from './documents.ts'
import type { PublicKeys } from './ed25519.ts'
import { type JwsRefusalCode, MAX_JWS_BYTES, verifyJws } from './jws.ts'
import {
  accountName,
  anyObject,
  count,
  type Decoded,
  decode,
  digest,
  documentNumber,
  epochMs,
  id,
  jws,
  listOf,
  nonce,
  publicKey,
  shortText,
  text,
  textMap,
  wordOrStrictest,
  wordsOrAll,
} from './schema.ts'

const TRIGGERS = ['automated', 'manual', 'override', 'delete'] as const satisfies readonly GrantTrigger[]

const base = {
  cluster: id,
  adm: count,
  iat: epochMs,
  must: listOf(v.pipe(v.string(), v.maxLength(128)), 64),
}

const application = v.object({ id, name: shortText, project: shortText })
const groupKind = v.object({ group: shortText, kind: shortText, name: v.exactOptional(shortText) })
const groupKinds = listOf(groupKind, 1000)

const ceiling = v.object({
  clusterKindsAllowed: groupKinds,
  clusterKindsDenied: groupKinds,
  namespacedKindsAllowed: v.exactOptional(groupKinds),
  namespacedKindsDenied: groupKinds,
  namespaces: listOf(shortText, 1000),
  serviceAccount: v.exactOptional(accountName),
})

const syncOptions = v.object({
  createNamespace: v.boolean(),
  namespaceLabels: v.exactOptional(textMap(100)),
  namespaceAnnotations: v.exactOptional(textMap(100)),
  prune: v.boolean(),
  pruneDefault: v.exactOptional(wordOrStrictest(['no', 'confirm'], 'no')),
  selfHeal: v.boolean(),
  allowEmpty: v.boolean(),
  pruneLast: v.boolean(),
  prunePropagation: wordOrStrictest(['foreground', 'background', 'orphan'], 'orphan'),
  applyOutOfSyncOnly: v.boolean(),
  failOnSharedResource: v.boolean(),
  respectIgnoreDifferences: v.boolean(),
  validate: v.boolean(),
  replace: v.boolean(),
  force: v.exactOptional(v.boolean()),
  conflicts: v.exactOptional(wordOrStrictest(['fail'], 'fail')),
  takeOverKubectl: v.exactOptional(v.boolean()),
  adopt: wordOrStrictest(['Force', 'IfUnowned', 'Never'], 'Never'),
  maxPrune: v.exactOptional(v.union([v.object({ count }), v.object({ percent: v.pipe(count, v.maxValue(100)) })])),
  adoptFrom: v.exactOptional(listOf(v.picklist(DELIVERY_TOOLS), DELIVERY_TOOLS.length)),
})

const objectKey = v.object({ group: shortText, kind: shortText, namespace: shortText, name: shortText })

/** Left out is what is as usual; a word that is not known means the most careful way. */
const retryPolicy = v.object({
  limit: v.pipe(v.number(), v.safeInteger()),
  firstDelayMs: count,
  factor: v.number(),
  longestDelayMs: count,
})

const runOptions = v.object({
  timeoutMs: v.exactOptional(count),
  waveTimeoutMs: v.exactOptional(count),
  degradedGraceMs: v.exactOptional(count),
  waitForHealth: v.exactOptional(wordOrStrictest(['waves', 'final'], 'final')),
  failFast: v.exactOptional(v.boolean()),
  stallAfterMs: v.exactOptional(count),
  supersede: v.exactOptional(wordOrStrictest(['whenWaiting', 'always', 'never'], 'whenWaiting')),
  retry: v.exactOptional(retryPolicy),
  ignoreIngressAddress: v.exactOptional(v.boolean()),
  healHooks: v.exactOptional(v.boolean()),
})

const orphanGlob = v.exactOptional(v.pipe(v.string(), v.maxLength(LONGEST_ORPHAN_GLOB)))
const orphanIgnore = v.object({ group: orphanGlob, kind: orphanGlob, name: orphanGlob })
const orphans = v.object({ warn: v.boolean(), ignore: listOf(orphanIgnore, MOST_ORPHAN_IGNORES) })

const script = v.pipe(v.string(), v.maxLength(64 * 1024))
const cel = v.object({ inProgress: v.exactOptional(text), failed: v.exactOptional(text), current: text })
const healthRule = v.union([
  v.object({ kind: shortText, ignoreGeneration: v.exactOptional(v.boolean()), lua: script }),
  v.object({ kind: shortText, ignoreGeneration: v.exactOptional(v.boolean()), cel }),
  v.object({ kind: shortText, ignoreGeneration: v.exactOptional(v.boolean()), data: anyObject }),
  v.object({ kind: shortText, none: v.literal(true) }),
  // Of a newer hub, in a form that is not known here: a rule that cannot be read, and no reason to refuse its Offer.
  v.pipe(
    v.object({ kind: shortText }),
    v.transform(({ kind }) => ({ kind, data: {} })),
  ),
])

const offer = v.object({
  ...base,
  typ: v.literal('offer'),
  number: documentNumber,
  cal: documentNumber,
  application,
  digest,
  size: count,
  revision: shortText,
  namespace: shortText,
  options: syncOptions,
  ceiling,
  ignoreDifferences: listOf(anyObject, 500),
  healthRules: v.exactOptional(listOf(healthRule, 200)),
  run: v.exactOptional(runOptions),
  orphans: v.exactOptional(orphans),
})

const tombstone = v.object({
  ...base,
  typ: v.literal('tombstone'),
  number: documentNumber,
  application,
  policy: wordOrStrictest(['prune', 'detach'], 'detach'),
  reason: text,
  deletion: v.exactOptional(wordOrStrictest(['no', 'confirm'], 'no')),
  approvedBy: v.exactOptional(shortText),
  serviceAccount: v.exactOptional(accountName),
  confirms: v.exactOptional(digest),
})

const grant = v.object({
  ...base,
  typ: v.literal('grant'),
  id,
  application: id,
  document: documentNumber,
  cal: documentNumber,
  trigger: wordOrStrictest(TRIGGERS, 'automated'),
  by: shortText,
  options: v.object({
    dryRun: v.boolean(),
    prune: v.boolean(),
    revision: shortText,
    resources: v.exactOptional(listOf(objectKey, 1000)),
    confirms: v.exactOptional(digest),
    retry: v.exactOptional(retryPolicy),
    force: v.exactOptional(v.literal(true)),
    skipHooks: v.exactOptional(v.literal(true)),
  }),
  startBefore: epochMs,
  passes: listOf(v.object({ rule: shortText, until: epochMs }), 500),
})

const interval = v.object({
  applications: v.union([v.literal('all'), listOf(id, 100_000)]),
  groups: v.exactOptional(listOf(shortText, 10_000)),
  from: epochMs,
  to: epochMs,
  again: v.exactOptional(listOf(v.tuple([epochMs, epochMs]), 10_000)),
  rule: shortText,
  layer: shortText,
  triggers: wordsOrAll(TRIGGERS),
  blocks: wordsOrAll(['sync', 'prune', 'heal']),
  inFlight: wordOrStrictest(['finish', 'pauseAtWave', 'abort'], 'abort'),
  gracePeriodMs: count,
  selfHeal: v.boolean(),
})

const calendar = v.object({
  ...base,
  typ: v.literal('calendar'),
  number: documentNumber,
  from: epochMs,
  until: epochMs,
  intervals: listOf(interval, 10_000),
  groups: v.exactOptional(v.pipe(v.record(shortText, listOf(id, 100_000)), v.maxEntries(10_000))),
  void: listOf(id, 10_000),
})

const action = v.variant('verb', [
  v.object({ verb: v.literal('terminate'), operation: id }),
  v.object({ verb: v.literal('inspect'), object: objectKey }),
  v.object({ verb: v.literal('delete'), object: objectKey, uid: id }),
  v.object({ verb: v.literal('scale'), object: objectKey, replicas: v.pipe(count, v.maxValue(1_000_000)) }),
  v.object({ verb: v.picklist(['restart', 'suspend', 'resume']), object: objectKey }),
  v.object({
    verb: v.literal('logs'),
    object: objectKey,
    container: v.exactOptional(shortText),
    tailLines: v.exactOptional(count),
    sinceSeconds: v.exactOptional(count),
    follow: v.boolean(),
    previous: v.boolean(),
  }),
  v.object({ verb: v.literal('events'), object: v.exactOptional(objectKey) }),
  v.object({ verb: v.literal('children') }),
])

const command = v.object({
  ...base,
  typ: v.literal('command'),
  id,
  application: id,
  action,
  by: shortText,
  expires: epochMs,
})

export const pulse = v.object({ typ: v.literal('pulse'), cluster: id, nonce, now: epochMs })

export const hubKeys = v.object({
  typ: v.literal('hub-keys'),
  hubId: id,
  kid: publicKey,
  key: publicKey,
  previous: v.exactOptional(publicKey),
  iat: epochMs,
})

export const admission = v.object({
  typ: v.literal('admission'),
  cluster: id,
  clusterName: shortText,
  adm: count,
  agentKey: publicKey,
  keyNumber: v.exactOptional(count),
  epoch: v.exactOptional(count),
  hubId: id,
  hubKeys: listOf(jws, 1000),
  iat: epochMs,
})

export const SCHEMAS = { offer, tombstone, grant, calendar, command } as const

/** The kinds that tell an agent to act, now or later. */
export type DocumentTyp = keyof typeof SCHEMAS

export type DocumentRefusalCode = JwsRefusalCode | 'MALFORMED' | 'NOT_UNDERSTOOD' | 'OTHER_CLUSTER' | 'OTHER_ADMISSION'

export type Refused<Code extends string> = {
  readonly kind: 'refused'
  readonly code: Code
  readonly message: string
}

/** Reads the payload of a document. Unknown fields are dropped, unknown words read as the strictest. Never throws. */
export function decodeDocument(typ: DocumentTyp, payload: JsonObject): Decoded<SignedDocument> {
  switch (typ) {
    case 'offer':
      return decode(offer, payload) satisfies Decoded<OfferPayload>
    case 'tombstone':
      return decode(tombstone, payload) satisfies Decoded<TombstonePayload>
    case 'grant':
      return decode(grant, payload) satisfies Decoded<GrantPayload>
    case 'calendar':
      return decode(calendar, payload) satisfies Decoded<CalendarPayload>
    case 'command':
      return decode(command, payload) satisfies Decoded<CommandPayload>
  }
}

export const decodePulse = (payload: JsonObject): Decoded<PulsePayload> => decode(pulse, payload)
export const decodeHubKeys = (payload: JsonObject): Decoded<HubKeysPayload> => decode(hubKeys, payload)
export const decodeAdmission = (payload: JsonObject): Decoded<AdmissionPayload> => decode(admission, payload)

/** Whom a document has to be for, and whose word counts. */
export interface DocumentContext {
  readonly cluster: string
  readonly adm: number
  readonly keys: PublicKeys
}

/**
 * Verifies and reads one signed document: known key, our cluster and admission, every field in `must` understood
 * (protocol.md 5.1). Says nothing yet about its number. Never throws.
 */
export function readDocument(
  text: string,
  context: DocumentContext,
): { readonly kind: 'read'; readonly document: SignedDocument } | Refused<DocumentRefusalCode> {
  const verified = verifyJws(text, {
    typ: Object.keys(SCHEMAS),
    key: kid => context.keys.get(kid),
    maxBytes: MAX_JWS_BYTES,
  })
  if (verified.kind === 'refused') return verified
  const typ = verified.typ as DocumentTyp
  const notUnderstood = missingUnderstanding(typ, verified.payload)
  if (notUnderstood !== undefined) {
    return { kind: 'refused', code: 'NOT_UNDERSTOOD', message: `it needs a reader that understands "${notUnderstood}"` }
  }
  const decoded = decodeDocument(typ, verified.payload)
  if (decoded.kind === 'refused') return decoded
  const document = decoded.value
  if (document.cluster !== context.cluster) {
    return { kind: 'refused', code: 'OTHER_CLUSTER', message: 'it is for another cluster' }
  }
  if (document.adm !== context.adm) {
    return { kind: 'refused', code: 'OTHER_ADMISSION', message: 'it was issued under another admission' }
  }
  return { kind: 'read', document }
}

const understood = new Map<DocumentTyp, ReadonlySet<string>>()

/** The first field named in `must` that this program does not know. Fields inside others are named `options.prune`. */
function missingUnderstanding(typ: DocumentTyp, payload: JsonObject): string | undefined {
  const must = payload['must']
  if (!Array.isArray(must)) return undefined
  let known = understood.get(typ)
  if (!known) {
    known = new Set(fieldNames(SCHEMAS[typ]))
    understood.set(typ, known)
  }
  const missing = must.find(field => !known.has(field as string))
  // Nothing but a name is repeated: a map's own `toString` may be anything.
  return missing === undefined ? undefined : typeof missing === 'string' ? missing.slice(0, 128) : '(no name)'
}

/** Walks a schema as data: `ceiling`, `ceiling.namespaces`, `intervals.selfHeal`. */
function fieldNames(schema: unknown, prefix = ''): string[] {
  const node = schema as {
    entries?: Record<string, unknown>
    item?: unknown
    pipe?: readonly unknown[]
    options?: readonly unknown[]
  }
  if (node.item) return fieldNames(node.item, prefix)
  if (node.options) return [...new Set(node.options.flatMap(option => fieldNames(option, prefix)))]
  return Object.entries(node.entries ?? {}).flatMap(([name, child]) => [
    `${prefix}${name}`,
    ...fieldNames(child, `${prefix}${name}.`),
  ])
}
