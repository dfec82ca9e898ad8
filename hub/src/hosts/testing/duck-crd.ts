/** A resource of somebody else's whose status names Clusters. */
export const DUCK_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'ducks.mallard.io' },
  spec: {
    group: 'mallard.io',
    scope: 'Namespaced',
    names: { plural: 'ducks', singular: 'duck', kind: 'Duck', listKind: 'DuckList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
}
