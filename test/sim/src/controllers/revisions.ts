import type { JsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { at, stringsOf } from '../objects/drafts.ts'
import { type ControllerApi, controlledBy, shortHash } from './controller-api.ts'

export const REVISION_LABEL = 'controller-revision-hash'

/** The ControllerRevision of a workload's template as it is now, made when missing; old ones beyond the limit go. */
export function currentRevision(api: ControllerApi, owner: KubernetesObject): KubernetesObject {
  const template = at(owner, 'spec', 'template') as JsonObject
  const hash = shortHash(template)
  const revisions = api.owned('apps', 'controllerrevisions', owner)
  const newest = Math.max(0, ...revisions.map(revision => Number(revision['revision'])))
  const known = revisions.find(revision => revision.metadata.labels?.[REVISION_LABEL] === hash)
  if (known) {
    if (Number(known['revision']) === newest) return known
    return api.update('apps', 'ControllerRevision', known, { ...known, revision: newest + 1 })
  }
  return api.create('apps', 'ControllerRevision', {
    metadata: {
      name: `${owner.metadata.name}-${hash}`,
      namespace: owner.metadata.namespace ?? '',
      labels: { ...stringsOf(at(template, 'metadata', 'labels')), [REVISION_LABEL]: hash },
      ownerReferences: [controlledBy(owner)],
    },
    data: { spec: { template: { $patch: 'replace', ...template } } },
    revision: newest + 1,
  })
}

export function hashOf(revision: KubernetesObject): string {
  return revision.metadata.labels?.[REVISION_LABEL] ?? ''
}

/** Removes revisions that nothing runs, beyond the history limit. */
export function forgetRevisions(api: ControllerApi, owner: KubernetesObject, inUse: ReadonlySet<string>): void {
  const limit = Number(at(owner, 'spec', 'revisionHistoryLimit') ?? 10)
  const idle = api
    .owned('apps', 'controllerrevisions', owner)
    .filter(revision => !inUse.has(hashOf(revision)))
    .sort((a, b) => Number(b['revision']) - Number(a['revision']))
  for (const revision of idle.slice(limit)) api.remove('apps', 'ControllerRevision', revision)
}
