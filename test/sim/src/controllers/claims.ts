import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, itemsOf } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { type Controller, keyOf, splitKey } from './controller.ts'
import type { ControllerApi } from './controller-api.ts'

/** The class that is served, and the default. Claims of any other class stay pending. */
export const SERVED_CLASS = 'standard'
const CLAIM_PROTECTION = 'kubernetes.io/pvc-protection'
const VOLUME_PROTECTION = 'kubernetes.io/pv-protection'

/** Claims get a volume of just the size they ask for; both go when they are done with. */
export function claimController(api: ControllerApi): Controller {
  return {
    name: 'claim',
    keysOf: event => {
      if (event.storageKey === '/persistentvolumeclaims')
        return [`claim ${keyOf(event.object)}`, ...volumeKeys(event.object)]
      if (event.storageKey === '/persistentvolumes')
        return event.kind === 'deleted' ? [] : [`volume ${keyOf(event.object)}`]
      return event.storageKey === '/pods' ? claimKeys(event.object) : []
    },
    reconcile(marked) {
      const [kind, key] = marked.split(' ') as [string, string]
      const { namespace, name } = splitKey(key)
      if (kind === 'claim') {
        const claim = api.get('', 'persistentvolumeclaims', namespace, name)
        if (claim) reconcileClaim(api, claim)
      } else {
        const volume = api.get('', 'persistentvolumes', '', name)
        if (volume) reconcileVolume(api, volume)
      }
      return undefined
    },
  }
}

function volumeKeys(claim: KubernetesObject): readonly string[] {
  const volume = at(claim, 'spec', 'volumeName')
  return typeof volume === 'string' && volume !== '' ? [`volume /${volume}`] : []
}

function claimNames(pod: KubernetesObject): readonly string[] {
  const volumes = itemsOf(pod['spec'] as JsonObject | undefined, 'volumes')
  return volumes
    .map(volume => at(volume, 'persistentVolumeClaim', 'claimName'))
    .filter(name => typeof name === 'string')
}

function claimKeys(pod: KubernetesObject): readonly string[] {
  return claimNames(pod).map(name => `claim ${pod.metadata.namespace}/${name}`)
}

function reconcileClaim(api: ControllerApi, claim: KubernetesObject): void {
  if (isTerminating(claim)) {
    const inUse = api
      .list('', 'pods', claim.metadata.namespace)
      .some(pod => claimNames(pod).includes(claim.metadata.name ?? '') && !isFinished(pod))
    if (!inUse) removeFinalizer(api, 'PersistentVolumeClaim', claim, CLAIM_PROTECTION)
    return
  }
  if (at(claim, 'status', 'phase') === 'Bound') return
  const volume = volumeFor(api, claim)
  if (!volume) return
  const annotations = {
    ...claim.metadata.annotations,
    'pv.kubernetes.io/bind-completed': 'yes',
    'pv.kubernetes.io/bound-by-controller': 'yes',
  }
  const bound = api.update('', 'PersistentVolumeClaim', claim, {
    ...claim,
    metadata: { ...claim.metadata, annotations },
    spec: { ...(claim['spec'] as JsonObject), volumeName: volume.metadata.name ?? '' },
  })
  api.updateStatus('', 'PersistentVolumeClaim', bound, {
    phase: 'Bound',
    accessModes: at(claim, 'spec', 'accessModes') ?? [],
    capacity: at(volume, 'spec', 'capacity') ?? {},
  })
}

function isFinished(pod: KubernetesObject): boolean {
  const phase = at(pod, 'status', 'phase')
  return phase === 'Succeeded' || phase === 'Failed'
}

/** The volume that the claim names, or one made for it. */
function volumeFor(api: ControllerApi, claim: KubernetesObject): KubernetesObject | undefined {
  const named = at(claim, 'spec', 'volumeName')
  if (typeof named === 'string' && named !== '') return api.get('', 'persistentvolumes', '', named)
  if (at(claim, 'spec', 'storageClassName') !== SERVED_CLASS) return undefined
  const name = `pvc-${claim.metadata.uid}`
  const { namespace = '', uid = '' } = claim.metadata
  const storage = at(claim, 'spec', 'resources', 'requests', 'storage') ?? '0'
  return (
    api.get('', 'persistentvolumes', '', name) ??
    api.create('', 'PersistentVolume', {
      metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': 'flotilla.test/volumes' } },
      spec: {
        storageClassName: SERVED_CLASS,
        persistentVolumeReclaimPolicy: 'Delete',
        volumeMode: at(claim, 'spec', 'volumeMode') ?? 'Filesystem',
        accessModes: at(claim, 'spec', 'accessModes') ?? [],
        capacity: { storage },
        claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claim.metadata.name ?? '', uid },
        hostPath: { path: `/simulated/${uid}` },
      },
    })
  )
}

function reconcileVolume(api: ControllerApi, volume: KubernetesObject): void {
  const reference = at(volume, 'spec', 'claimRef')
  const claim = api.get('', 'persistentvolumeclaims', String(at(reference, 'namespace')), String(at(reference, 'name')))
  const isBound = claim !== undefined && claim.metadata.uid === at(reference, 'uid')
  if (isTerminating(volume)) {
    if (!isBound) removeFinalizer(api, 'PersistentVolume', volume, VOLUME_PROTECTION)
    return
  }
  const phase = at(volume, 'status', 'phase')
  if (reference === undefined) {
    if (phase === 'Pending') setPhase(api, volume, 'Available')
    return
  }
  if (isBound) {
    if (phase !== 'Bound') setPhase(api, volume, 'Bound')
    return
  }
  if (phase !== 'Bound' && phase !== 'Released') return
  const released = setPhase(api, volume, 'Released')
  if (at(volume, 'spec', 'persistentVolumeReclaimPolicy') === 'Delete') api.remove('', 'PersistentVolume', released)
}

function setPhase(api: ControllerApi, volume: KubernetesObject, phase: string): KubernetesObject {
  if (at(volume, 'status', 'phase') === phase) return volume
  return api.updateStatus('', 'PersistentVolume', volume, { phase, lastPhaseTransitionTime: api.core.now() })
}

function removeFinalizer(api: ControllerApi, kind: string, object: KubernetesObject, finalizer: string): void {
  const finalizers = (object.metadata.finalizers ?? []).filter(each => each !== finalizer)
  if (finalizers.length === (object.metadata.finalizers ?? []).length) return
  api.update('', kind, object, { ...object, metadata: { ...object.metadata, finalizers } })
}
