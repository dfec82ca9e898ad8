import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import type { Core } from '../api/core.ts'
import { deleteStored } from '../api/delete-objects.ts'
import { at } from '../objects/drafts.ts'
import { isTerminating } from '../objects/prepare.ts'
import { typesOf } from '../resources/registry.ts'
import { type Controller, splitKey } from './controller.ts'
import { ControllerApi, conditionIs, conditionsOf, withCondition } from './controller-api.ts'

const DEFINITIONS = 'apiextensions.k8s.io/customresourcedefinitions'
export const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io'

/** Accepts the names of definitions, serves what they define, and empties them before they go. */
export function customResourceController(core: Core): Controller {
  const api = new ControllerApi(core)
  return {
    name: 'definition',
    keysOf: event => {
      if (event.storageKey === DEFINITIONS) {
        serve(core, event.kind === 'deleted' ? undefined : event.object, event.previous)
        return event.kind === 'deleted' ? othersOf(core) : [`/${event.object.metadata.name}`]
      }
      // The last custom resource of a definition that is going may just have gone.
      return event.kind === 'deleted' ? terminatingOf(core, event.storageKey) : []
    },
    reconcile(key) {
      const definition = core.store.get(DEFINITIONS, '', splitKey(key).name)
      if (definition) reconcileDefinition(core, api, definition)
      return undefined
    },
  }
}

/** Serving follows the stored object at once: no request sees a definition established and not served. */
function serve(core: Core, definition: KubernetesObject | undefined, previous: KubernetesObject | undefined): void {
  if (definition && conditionIs(definition, 'Established')) core.registry.define(definition, core.store.revision)
  else if (previous && conditionIs(previous, 'Established')) core.registry.remove(previous)
}

function othersOf(core: Core): readonly string[] {
  return core.store.list(DEFINITIONS).map(each => `/${each.metadata.name}`)
}

function terminatingOf(core: Core, storageKey: string): readonly string[] {
  return core.store
    .list(DEFINITIONS)
    .filter(each => isTerminating(each) && storageKeyOf(each) === storageKey)
    .map(each => `/${each.metadata.name}`)
}

function storageKeyOf(definition: KubernetesObject): string {
  return `${String(at(definition, 'spec', 'group'))}/${String(at(definition, 'spec', 'names', 'plural'))}`
}

function reconcileDefinition(core: Core, api: ControllerApi, definition: KubernetesObject): void {
  if (isTerminating(definition)) {
    cleanUp(core, api, definition)
    return
  }
  let live = definition
  if (!(live.metadata.finalizers ?? []).includes(CLEANUP)) {
    const finalizers = [...(live.metadata.finalizers ?? []), CLEANUP]
    live = update(api, live, { ...live, metadata: { ...live.metadata, finalizers } })
  }
  const clash = clashOf(core, live)
  const now = core.now()
  const condition = (type: string, holds: boolean, reason: string, message: string) => ({
    type,
    status: holds ? 'True' : 'False',
    reason,
    message,
  })
  let conditions = withCondition(
    conditionsOf(live),
    clash
      ? condition('NamesAccepted', false, 'MultipleNamesConflict', clash)
      : condition('NamesAccepted', true, 'NoConflicts', 'no conflicts found'),
    now,
  )
  const established = conditionIs(live, 'Established') || !clash
  conditions = withCondition(
    conditions,
    established
      ? condition('Established', true, 'InitialNamesAccepted', 'the initial names have been accepted')
      : condition('Established', false, 'NotAccepted', 'not all names are accepted'),
    now,
  )
  const status = (live['status'] ?? {}) as JsonObject
  const stored = [...new Set([...((status['storedVersions'] ?? []) as readonly string[]), ...storedVersions(live)])]
  api.updateStatus(
    'apiextensions.k8s.io',
    'CustomResourceDefinition',
    live,
    {
      conditions,
      acceptedNames: clash ? (status['acceptedNames'] ?? { plural: '', kind: '' }) : at(live, 'spec', 'names')!,
      storedVersions: stored,
    },
    'kube-apiserver',
  )
}

function storedVersions(definition: KubernetesObject): readonly string[] {
  const versions = (at(definition, 'spec', 'versions') ?? []) as readonly JsonObject[]
  return versions.filter(version => version['storage'] === true).map(version => String(version['name']))
}

/** Another established definition of the group that already has the kind or the plural. */
function clashOf(core: Core, definition: KubernetesObject): string | undefined {
  const group = at(definition, 'spec', 'group')
  const kind = at(definition, 'spec', 'names', 'kind')
  for (const other of core.store.list(DEFINITIONS)) {
    if (other.metadata.uid === definition.metadata.uid || at(other, 'spec', 'group') !== group) continue
    if (conditionIs(other, 'NamesAccepted') && at(other, 'spec', 'names', 'kind') === kind) {
      return `${JSON.stringify(kind)} is already in use`
    }
  }
  return undefined
}

/** All custom resources are deleted; when none is left the definition's finalizer goes. */
function cleanUp(core: Core, api: ControllerApi, definition: KubernetesObject): void {
  const type = typesOf(definition)[0]
  const storageKey = storageKeyOf(definition)
  if (type) {
    for (const object of core.store.list(storageKey)) if (!isTerminating(object)) deleteStored(core, type, object)
  }
  if (core.store.list(storageKey).length > 0) return
  const live = core.store.get(DEFINITIONS, '', definition.metadata.name ?? '')
  if (!live) return
  const finalizers = (live.metadata.finalizers ?? []).filter(each => each !== CLEANUP)
  update(api, live, { ...live, metadata: { ...live.metadata, finalizers } })
}

function update(api: ControllerApi, live: KubernetesObject, next: KubernetesObject): KubernetesObject {
  return api.update('apiextensions.k8s.io', 'CustomResourceDefinition', live, next, 'kube-apiserver')
}
