import { createHash } from 'node:crypto'
import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { ActivityEntry } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import type { ApplicationView } from '@flotilla/core/view/application-view'
import type { ClusterView, SetView, SourceView } from '@flotilla/core/view/fleet-parts'
import type { Change } from '../api/change-log.ts'
import type { ApiServices } from '../api/route.ts'
import { EVERYTHING_VISIBLE } from '../api/visible-set.ts'
import { clusterObjects } from './objects.ts'
import type { Asker, Rights } from './rights.ts'
import { seenActivity } from './seen-activity.ts'
import { setObjects, shownSet } from './seen-sets.ts'
import { shownSource, sourceObjects } from './seen-sources.ts'

/** A change as one who watches may be told of it; with a text of his own where what he sees is less than all. */
export type SeenChange =
  | { readonly kind: 'put'; readonly text?: string }
  | { readonly kind: 'delete' }
  | { readonly kind: 'nothing' }

const NOTHING: SeenChange = { kind: 'nothing' }

/** What he could see and cannot any more is gone for him; figures are of what he sees. */
export function seenChange(
  change: Change,
  rights: Rights,
  services: Pick<ApiServices, 'view' | 'trustOf'>,
  now: EpochMs,
): SeenChange {
  const { view, trustOf } = services
  const { visible } = rights
  const all = visible.key === EVERYTHING_VISIBLE.key
  if (change.kind === 'applications') {
    const { before } = change
    if (change.action === 'put' && visible.sees(change.object as ApplicationView)) return { kind: 'put' }
    return before !== undefined && visible.sees(before) ? { kind: 'delete' } : NOTHING
  }
  if (change.kind === 'clusters') {
    const cluster = change.object as ClusterView
    if (!rights.mayOneOf('get', clusterObjects(cluster))) return NOTHING
    if (change.action === 'delete' || all) return { kind: change.action }
    return own(view.cluster(cluster.name, now, visible) ?? cluster)
  }
  if (change.kind === 'applicationsets') {
    const set = change.object as SetView
    if (change.action === 'delete') {
      return setObjects(set, view).some(object => rights.sees(object)) ? { kind: 'delete' } : NOTHING
    }
    const shown = shownSet(set, view, rights)
    if (shown === undefined) return NOTHING
    if (all && shown === set) return { kind: 'put' }
    return own({ ...shown, applications: view.tallyOfSet(set, visible) })
  }
  if (change.kind === 'activity') {
    const seen = seenActivity(change.object as ActivityEntry, rights, view)
    return seen === undefined ? NOTHING : own(seen)
  }
  const source = change.object as SourceView
  const trust = trustOf?.(source.name)
  if (change.action === 'delete') {
    return sourceObjects(source.name, trust).some(object => rights.sees(object)) ? { kind: 'delete' } : NOTHING
  }
  const shown = shownSource(source, trust, rights)
  if (shown === undefined) return NOTHING
  return shown === source ? { kind: 'put' } : own(shown)
}

function own(object: object): SeenChange {
  return { kind: 'put', text: canonicalJson(object as Json) }
}

/**
 * Names whose eyes a stream is for, and by which policy. Another policy ends the stream, and what was sent under one is
 * not gone on from under another: it begins with a snapshot of what may be seen then.
 */
export function streamTag(rights: Rights, asker: Asker): string {
  const { version } = rights.inForce
  const known = TAGS.get(asker)
  if (known?.version === version) return known.tag
  const tag = tagOf(version, asker)
  TAGS.set(asker, { version, tag })
  return tag
}

const TAGS = new WeakMap<Asker, { readonly version: string; readonly tag: string }>()

function tagOf(version: string, { principal, ceilings = [], scopes = [] }: Asker): string {
  const what = canonicalJson([version, principal, ceilings, scopes] as unknown as Json)
  return createHash('sha256').update(what).digest('base64url').slice(0, 8)
}
