import { object } from '@flotilla/agents/testing/documents'
import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'

export { configMap, deployment, object } from '@flotilla/agents/testing/documents'

export type Annotations = { readonly [name: string]: string }

const ARGO = 'argocd.argoproj.io'

/** `wave('-1')`, to be put under `metadata`. */
export function wave(value: string): { readonly annotations: Annotations } {
  return { annotations: { [`${ARGO}/sync-wave`]: value } }
}

/** A Job that is a hook. `pod` steers the kubelets of test clusters: see test/controlplane/README.md. */
export function hookJob(
  name: string,
  phases: string,
  options: { readonly annotations?: Annotations; readonly pod?: Annotations; readonly namespace?: string } = {},
): KubernetesObject {
  const annotations = { [`${ARGO}/hook`]: phases, ...options.annotations }
  return job(name, { annotations, ...(options.namespace ? { namespace: options.namespace } : {}) }, options.pod)
}

/** A Job of one Pod that is not tried again. */
export function job(name: string, metadata: JsonObject = {}, pod: Annotations = {}): KubernetesObject {
  const template = {
    metadata: { annotations: pod },
    spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
  }
  return object('batch/v1', 'Job', name, { metadata, spec: { backoffLimit: 0, template } })
}

/** Its object of the same name has to be given a namespace; group and kind are of this bench alone. */
export function definition(kind: string, group: string, metadata: JsonObject = {}): KubernetesObject {
  const plural = `${kind.toLowerCase()}s`
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  return object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', `${plural}.${group}`, {
    metadata,
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        { name: 'v1', served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: schema } },
      ],
    },
  })
}
