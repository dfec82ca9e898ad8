import { pathOf } from '@flotilla/agents/kubernetes/client'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { type KubernetesObject, keyOf, type ObjectKey, versionOf } from '@flotilla/core/model/kubernetes-object'
import type { Bench } from './bench.ts'
import { object } from './objects.ts'

/** The Application's namespace, before the agent makes it: people begin without us. */
export async function makeNamespace(bench: Bench): Promise<void> {
  await createAs(bench, 'kubectl-create', object('v1', 'Namespace', bench.namespace))
}

/** Creates as another tool does that knows no server-side apply. */
export async function createAs(bench: Bench, manager: string, made: KubernetesObject): Promise<KubernetesObject> {
  const placed = await inNamespace(bench, made)
  const path = await pathTo(bench, { ...keyOf(placed), name: '' }, versionOf(placed.apiVersion))
  return ask(bench, 'POST', `${path}?fieldManager=${manager}`, 'application/json', placed as Json)
}

/** Server-side apply by somebody else, by force as operators do it. */
export async function applyAs(bench: Bench, manager: string, applied: KubernetesObject): Promise<KubernetesObject> {
  return bench.client.apply(await inNamespace(bench, applied), { fieldManager: manager, force: true })
}

/** A merge patch, as `kubectl edit` and controllers make them. */
export async function editAs(
  bench: Bench,
  manager: string,
  key: ObjectKey,
  patch: JsonObject,
  subresource = '',
): Promise<KubernetesObject> {
  const path = `${await pathTo(bench, key)}${subresource}?fieldManager=${manager}`
  return ask(bench, 'PATCH', path, 'application/merge-patch+json', patch)
}

/** A deletion is asked for, granted, and over once who else waits for it has let go. */
export async function isGone(bench: Bench, kind: string, name: string, group = ''): Promise<void> {
  await bench.until(`${kind} ${name} is gone`, async () => (await bench.read(kind, name, group)) === undefined)
}

async function inNamespace(bench: Bench, given: KubernetesObject): Promise<KubernetesObject> {
  const { group, kind } = keyOf(given)
  const served = await bench.client.discovery.find(group, kind, kind)
  if (!served.namespaced) return given
  return { ...given, metadata: { namespace: bench.namespace, ...given.metadata } }
}

async function pathTo(bench: Bench, { group, kind, namespace, name }: ObjectKey, version?: string): Promise<string> {
  const served = await bench.client.discovery.find(group, kind, name)
  return pathOf(served, version ?? served.versions[0]!, served.namespaced ? namespace : '', name)
}

async function ask(
  bench: Bench,
  method: 'POST' | 'PATCH',
  path: string,
  type: string,
  body: Json,
): Promise<KubernetesObject> {
  const headers = { 'content-type': type }
  return (await bench.client.requester.json({
    method,
    path,
    headers,
    body,
    subject: path,
    verb: method,
    idempotent: false,
  })) as KubernetesObject
}
