import type { Json } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'

/** What a field of a core Event is called in `events.k8s.io`. */
const NAMES: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
]

/** The same Event as the other of the two groups that serve it. */
export function convertEvent(event: KubernetesObject, apiVersion: string): KubernetesObject {
  const renames = new Map(apiVersion === 'v1' ? NAMES.map(([core, events]) => [events, core] as const) : NAMES)
  const converted: { [key: string]: Json | undefined } = {}
  for (const [key, value] of Object.entries(event)) converted[renames.get(key) ?? key] = value
  return { ...converted, apiVersion, kind: 'Event', metadata: event.metadata }
}
