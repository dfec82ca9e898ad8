import { numberAt, numberIfAny, objectAt, textAt, valueAt } from '../../json/read-json.ts'
import { type HealthRule, health } from '../health-rule.ts'

export const statefulSetHealth: HealthRule = object => {
  const observed = numberAt(object, 'status', 'observedGeneration')
  if (observed === 0 || numberAt(object, 'metadata', 'generation') > observed) {
    return health('Progressing', 'Waiting for statefulset spec update to be observed...')
  }
  const ready = numberAt(object, 'status', 'readyReplicas')
  const updated = numberAt(object, 'status', 'updatedReplicas')
  const wanted = numberIfAny(object, 'spec', 'replicas')
  if (wanted !== undefined && ready < wanted) {
    return health('Progressing', `Waiting for ${wanted - ready} pods to be ready...`)
  }
  const strategy = objectAt(object, 'spec', 'updateStrategy')
  const type = textAt(strategy, 'type')
  if (type === 'RollingUpdate' && valueAt(strategy, 'rollingUpdate') !== undefined) {
    const partition = numberIfAny(strategy, 'rollingUpdate', 'partition')
    if (partition !== undefined && wanted !== undefined && updated < wanted - partition) {
      const of = wanted - partition
      const message = `Waiting for partitioned roll out to finish: ${updated} out of ${of} new pods have been updated...`
      return health('Progressing', message)
    }
    return health('Healthy', `partitioned roll out complete: ${updated} new pods have been updated...`)
  }
  if (type === 'OnDelete') return health('Healthy', `statefulset has ${ready} ready pods`)
  const updateRevision = textAt(object, 'status', 'updateRevision')
  const currentRevision = textAt(object, 'status', 'currentRevision')
  if (updateRevision !== currentRevision) {
    const message = `waiting for statefulset rolling update to complete ${updated} pods at revision ${updateRevision}...`
    return health('Progressing', message)
  }
  const current = numberAt(object, 'status', 'currentReplicas')
  const message = `statefulset rolling update complete ${current} pods at revision ${currentRevision}...`
  return health('Healthy', message)
}
