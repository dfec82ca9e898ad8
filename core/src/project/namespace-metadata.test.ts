import { expect, it } from 'vitest'
import { forbiddenNamespaceMetadata } from './namespace-metadata.ts'

it.each([
  ['labels of one’s own', { labels: { team: 'shop', 'istio-injection': 'enabled' } }, [], []],
  [
    'pod security, unless the Project allows it',
    { labels: { 'pod-security.kubernetes.io/enforce': 'privileged', 'pod-security.kubernetes.io/warn': 'baseline' } },
    ['pod-security.kubernetes.io/warn'],
    ['pod-security.kubernetes.io/enforce'],
  ],
  [
    'the name, marks of ours, and what policy engines go by',
    {
      labels: { 'kubernetes.io/metadata.name': 'kube-system', 'admission.gatekeeper.sh/ignore': '' },
      annotations: { 'flotilla.dev/tracking-id': 'x', note: 'y' },
    },
    [],
    ['admission.gatekeeper.sh/ignore', 'flotilla.dev/tracking-id', 'kubernetes.io/metadata.name'],
  ],
  ['a broken pattern allows nothing', { labels: { 'flotilla.dev/x': '' } }, ['['], ['flotilla.dev/x']],
])('%s', (_sentence, metadata, allowed, expected) => {
  expect(forbiddenNamespaceMetadata(metadata, allowed)).toEqual(expected)
})
