import type { Generator } from './generator.ts'

/** Clusters that a resource of somebody else names in its status (applicationsets.md 9.10). */
export const clusterDecisionResource: Generator = {
  key: 'clusterDecisionResource',
  fields: ['configMapRef', 'name', 'labelSelector', 'requeueAfterSeconds', 'template', 'values'],
  defaultRequeueSeconds: 'configured',
}
