import { compileGlob, type Glob } from '../glob/glob.ts'
import {
  cloneJson,
  getKey,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '../json/json.ts'
import { listAt, textAt } from '../json/read-json.ts'
import type { KubernetesObject, ObjectKey } from '../model/kubernetes-object.ts'
import { appliedFields, take } from './owned-changes.ts'

/** One rule of `ignoreDifferences`, ready to be used. */
export interface IgnoreRule {
  readonly matches: (key: ObjectKey) => boolean
  /** Each a list of unescaped segments. */
  readonly pointers: readonly (readonly string[])[]
}

export interface IgnoreRules {
  readonly rules: readonly IgnoreRule[]
  /** What is asked for and not built; a plan with one of these must not be performed. */
  readonly unsupported: readonly string[]
}

/**
 * Reads `ignoreDifferences` as Argo CD documents write it: group and kind are globs, name and namespace exact.
 * Pointers (RFC 6901) are built; jq expressions and trusted managers are not, and are named as such.
 */
export function readIgnoreRules(documents: readonly JsonObject[]): IgnoreRules {
  const rules: IgnoreRule[] = []
  const unsupported: string[] = []
  for (const document of documents) {
    for (const field of ['jqPathExpressions', 'managedFieldsManagers']) {
      if (listAt(document, field).length > 0) unsupported.push(`ignoreDifferences with ${field} is not built yet`)
    }
    const pointers = listAt(document, 'jsonPointers').filter(pointer => typeof pointer === 'string')
    const group = glob(textAt(document, 'group'))
    const kind = glob(textAt(document, 'kind'))
    const name = textAt(document, 'name')
    const namespace = textAt(document, 'namespace')
    rules.push({
      matches: key =>
        group(key.group) &&
        kind(key.kind) &&
        (name === '' || name === key.name) &&
        (namespace === '' || namespace === key.namespace),
      pointers: pointers.map(parsePointer).filter(pointer => pointer.length > 0),
    })
  }
  return { rules, unsupported }
}

export function ignoredPointers(rules: readonly IgnoreRule[], key: ObjectKey): readonly (readonly string[])[] {
  return rules.filter(rule => rule.matches(key)).flatMap(rule => rule.pointers)
}

/** The object without what the pointers name. A pointer that leads nowhere is passed over. */
export function withoutIgnored<T extends KubernetesObject>(object: T, pointers: readonly (readonly string[])[]): T {
  if (pointers.length === 0) return object
  const copy = cloneJson(object)
  for (const pointer of pointers) remove(copy, pointer)
  return copy
}

/**
 * What is sent instead of the manifest when ignored fields are to be left alone.
 *
 * Leaving out a field that only we own would make the server delete it (ignoring `/spec/replicas` would scale
 * production to one), so while we own it the live value is sent; once another manager owns it, it is left out. What is
 * not there yet is created as the manifest says.
 */
export function respectIgnored<T extends KubernetesObject>(
  target: T,
  live: KubernetesObject,
  pointers: readonly (readonly string[])[],
  manager: string,
): T {
  if (pointers.length === 0) return target
  const copy = cloneJson(target)
  const owned = appliedFields(live, manager)
  for (const pointer of pointers) {
    const value = valueAtPointer(live, pointer)
    if (value === undefined) continue
    if (ownsPointer(live, owned, pointer)) put(copy, pointer, cloneJson(value))
    else remove(copy, pointer)
  }
  return copy
}

function ownsPointer(live: Json, set: ReturnType<typeof appliedFields>, pointer: readonly string[]): boolean {
  if (pointer.length === 0) return true
  const [segment = '', ...rest] = pointer
  const value = step(live, segment)
  return set.children.some(child => {
    const isField = child.step.kind === 'field'
    const same = isField ? child.step.kind === 'field' && child.step.name === segment : take(live, child.step) === value
    if (!same || value === undefined) return false
    const whole = child.set.children.length === 0
    return whole || ownsPointer(value, child.set, rest)
  })
}

function valueAtPointer(root: Json, pointer: readonly string[]): Json | undefined {
  let value: Json | undefined = root
  for (const segment of pointer) {
    if (value === undefined) return undefined
    value = step(value, segment)
  }
  return value
}

function step(value: Json, segment: string): Json | undefined {
  if (Array.isArray(value)) return /^\d+$/.test(segment) ? (value as readonly Json[])[Number(segment)] : undefined
  return isJsonObject(value) ? getKey(value, segment) : undefined
}

function remove(root: Json, pointer: readonly string[]): void {
  const parent = valueAtPointer(root, pointer.slice(0, -1))
  const last = pointer.at(-1)!
  if (Array.isArray(parent)) {
    if (/^\d+$/.test(last) && Number(last) < parent.length) (parent as Json[]).splice(Number(last), 1)
  } else if (isJsonObject(parent) && Object.hasOwn(parent, last)) {
    delete (parent as MutableJsonObject)[last]
  }
}

function put(root: Json, pointer: readonly string[], value: Json): void {
  let parent: Json | undefined = root
  for (const segment of pointer.slice(0, -1)) {
    let next: Json | undefined = step(parent, segment)
    if (next === undefined) {
      // A list item that the manifest does not have cannot be sent in part.
      if (!isJsonObject(parent)) return
      next = {}
      setKey(parent as MutableJsonObject, segment, next)
    }
    parent = next
  }
  const last = pointer.at(-1)!
  if (Array.isArray(parent)) {
    if (/^\d+$/.test(last) && Number(last) < parent.length) (parent as Json[])[Number(last)] = value
  } else if (isJsonObject(parent)) {
    setKey(parent as MutableJsonObject, last, value)
  }
}

function parsePointer(pointer: string): readonly string[] {
  if (!pointer.startsWith('/')) return []
  return pointer
    .slice(1)
    .split('/')
    .map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** A pattern that is no glob matches its own text and nothing else. */
function glob(pattern: string): Glob {
  try {
    return compileGlob(pattern, '')
  } catch {
    return text => text === pattern
  }
}
