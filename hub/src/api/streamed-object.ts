import { decodeBundle } from '@flotilla/core/bundle/decode-bundle'
import { keyOf, type ObjectKey, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { Problem } from './problem.ts'
import type { Context } from './route.ts'

/** Kinds whose Pods an agent finds. */
const WITH_PODS: ReadonlySet<string> = new Set([
  '/Pod',
  'apps/Deployment',
  'apps/StatefulSet',
  'apps/DaemonSet',
  'apps/ReplicaSet',
  'batch/Job',
  'batch/CronJob',
  'argoproj.io/Rollout',
])
const FULL = /^(?:([a-z0-9.-]+)\/)?([A-Za-z][A-Za-z0-9]*)\s+(?:([a-z0-9-]+)\/)?(\S+)$/
const SHORT = /^([A-Za-z][A-Za-z0-9]*)\/(\S+)$/
const MOST_NAMED = 20

/**
 * The object that is meant: `GROUP/KIND NAMESPACE/NAME` in full, `KIND/NAME` among what the Application renders to, or,
 * for logs, the only one there that has Pods.
 *
 * @throws Problem `REQUEST_INVALID` with those to choose from.
 */
export async function streamedObject(
  text: string | undefined,
  name: string,
  { services }: Context,
  wanted: 'pods' | 'any',
): Promise<ObjectKey | undefined> {
  const full = FULL.exec(text ?? '')
  if (full) {
    const [, group = '', kind = '', namespace = '', objectName = ''] = full
    return { group, kind, namespace, name: objectName }
  }
  if (text === undefined && wanted === 'any') return undefined
  const short = SHORT.exec(text ?? '')
  if (text !== undefined && !short) throw invalid('write KIND/NAME or GROUP/KIND NAMESPACE/NAME')
  const digest = services.view.applicationRow(name)?.digest
  const bytes = digest === undefined ? undefined : await services.bundles.get(digest)
  const namespace = services.view.applicationRow(name)?.namespace ?? ''
  const all = digest === undefined || !bytes ? [] : decodeBundle(bytes, digest).objects.map(keyOf)
  const able = all.filter(key => wanted === 'any' || WITH_PODS.has(`${key.group}/${key.kind}`))
  const [, kind = '', objectName = ''] = short ?? []
  const meant = short ? able.filter(key => same(key.kind, kind) && key.name === objectName) : able
  const [only] = meant
  if (only && meant.length === 1) return only.namespace === '' && wanted === 'pods' ? { ...only, namespace } : only
  const choices = able.slice(0, MOST_NAMED).map(objectKeyText)
  const hint = choices.length === 0 ? {} : { hint: choices.join(', ') }
  if (meant.length > 1) throw invalid('several objects are meant by that; name one of them', hint)
  throw invalid(short ? `the Application has no ${text}` : 'the Application has no object with Pods', hint)
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

function invalid(message: string, more: { readonly hint?: string } = {}): Problem {
  return new Problem('REQUEST_INVALID', { errors: [{ pointer: '/query/object', message, ...more }] })
}
