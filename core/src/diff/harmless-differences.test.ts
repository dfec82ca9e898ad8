import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../json/json.ts'
import { type KubernetesObject, keyOf } from '../model/kubernetes-object.ts'
import { HARMLESS_DIFFERENCES } from './harmless-differences.ts'
import { countedDifferences, respectIgnored } from './ignore-differences.ts'
import { NO_IGNORE_RULES } from './ignore-rules.ts'

interface Row {
  readonly kind: readonly [apiVersion: string, kind: string]
  readonly ours: JsonObject
  readonly live: JsonObject
  readonly desired: JsonObject
  readonly others?: readonly JsonObject[]
  readonly harmless: boolean
}

const WEBHOOK: Pick<Row, 'kind' | 'ours'> = {
  kind: ['admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration'],
  ours: { 'f:webhooks': { 'k:{"name":"a"}': { 'f:clientConfig': { 'f:caBundle': {} } } } },
}
const webhook = (caBundle: Json): JsonObject => ({ webhooks: [{ name: 'a', clientConfig: { caBundle } }] })
const REPLICAS: JsonObject = { 'f:spec': { 'f:replicas': {} } }
const scaledBy = (manager: string): readonly JsonObject[] => [
  { manager, operation: 'Update', subresource: 'scale', fieldsV1: REPLICAS },
]
const DEPLOYMENT: Pick<Row, 'kind' | 'ours' | 'live' | 'desired'> = {
  kind: ['apps/v1', 'Deployment'],
  ours: {},
  live: { spec: { replicas: 7 } },
  desired: { spec: { replicas: 2 } },
}

const ROWS: { readonly [sentence: string]: Row } = {
  'a certificate where the manifest has room for one': {
    ...WEBHOOK,
    live: webhook('LS0t'),
    desired: webhook('Cg=='),
    harmless: true,
  },
  'another certificate than the manifest’s is drift': {
    ...WEBHOOK,
    live: webhook('LS0t'),
    desired: webhook('bXk='),
    harmless: false,
  },
  'replicas that an autoscaler has set': { ...DEPLOYMENT, others: scaledBy('kube-controller-manager'), harmless: true },
  'replicas that a person has set are drift': { ...DEPLOYMENT, others: scaledBy('kubectl'), harmless: false },
  'the rules of an aggregated ClusterRole': {
    kind: ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
    ours: { 'f:rules': {} },
    live: { aggregationRule: {}, rules: [{ verbs: ['get'] }] },
    desired: { aggregationRule: {}, rules: [] },
    harmless: true,
  },
  'the rules of another ClusterRole are drift': {
    kind: ['rbac.authorization.k8s.io/v1', 'ClusterRole'],
    ours: { 'f:rules': {} },
    live: { rules: [{ verbs: ['get'] }] },
    desired: { rules: [] },
    harmless: false,
  },
  'the revision that a controller counts': {
    kind: ['apps/v1', 'Deployment'],
    ours: { 'f:metadata': { 'f:annotations': { 'f:deployment.kubernetes.io/revision': {} } } },
    live: { metadata: { annotations: { 'deployment.kubernetes.io/revision': '7' } } },
    desired: { metadata: { annotations: { 'deployment.kubernetes.io/revision': '1' } } },
    harmless: true,
  },
}

describe('harmless differences', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, row) => {
    const live = thing(row, row.live, row.ours, row.others)
    const predicted = thing(row, row.desired, { ...row.ours, ...(row.others ? REPLICAS : {}) })
    const counted = countedDifferences(NO_IGNORE_RULES, keyOf(live), live, predicted, 'flotilla')
    expect(counted.length).toBe(row.harmless ? 0 : 1)
    const target = thing(row, row.desired)
    const sent = respectIgnored(target, live, keyOf(live), NO_IGNORE_RULES, 'flotilla')
    if (!row.harmless) expect(sent).toEqual(target)
    else expect(sent).not.toEqual(target)
  })

  it('each says why', () => {
    for (const { because, path } of HARMLESS_DIFFERENCES) {
      expect(because).toMatch(/\w/)
      expect(path.source).toMatch(/^\^.*\$$/)
    }
  })
})

function thing(
  { kind: [apiVersion, kind] }: Row,
  content: JsonObject,
  fieldsV1?: JsonObject,
  others: readonly JsonObject[] = [],
): KubernetesObject {
  const ours = fieldsV1 ? [{ manager: 'flotilla', operation: 'Apply', fieldsV1 }] : []
  const metadata = (content['metadata'] ?? {}) as JsonObject
  return { ...content, apiVersion, kind, metadata: { name: 'a', ...metadata, managedFields: [...ours, ...others] } }
}
