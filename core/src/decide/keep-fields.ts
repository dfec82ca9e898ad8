import {
  cloneJson,
  equalJson,
  getKey,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '../json/json.ts'
import { type DocumentPath, type PathStep, parseJqPath, parsePointerPath } from './jq-path.ts'

/** Which fields of a generated Application keep the value that they have (applicationsets.md 11.2). */
export interface KeepRules {
  /** Exact keys; one that is not there yet comes as it is generated. */
  readonly annotations: readonly string[]
  readonly labels: readonly string[]
  readonly ignored: readonly { readonly name: string; readonly paths: readonly DocumentPath[] }[]
}

export interface KeepMistake {
  readonly path: readonly (string | number)[]
  /** `pointer`: no JSON pointer. `jq`: an expression that names more than a place. */
  readonly kind: 'pointer' | 'jq'
}

/** Annotations that people and controllers write on an Application while it lives. */
const ALWAYS_KEPT: readonly string[] = [
  'notified.notifications.argoproj.io',
  'argocd.argoproj.io/refresh',
  'argocd.argoproj.io/hydrate',
]
/** Finalizers that a running hook has set: they stay until it is done. */
const HOOK_FINALIZERS = ['pre-delete-finalizer.argocd.argoproj.io', 'post-delete-finalizer.argocd.argoproj.io']

/** Reads `preservedFields` and `ignoreApplicationDifferences` of a set. A rule that cannot be read is left out. */
export function readKeepRules(spec: { readonly [field: string]: unknown }): {
  readonly rules: KeepRules
  readonly mistakes: readonly KeepMistake[]
} {
  const preserved = objectOf(spec['preservedFields'] as Json | undefined)
  const mistakes: KeepMistake[] = []
  const entries = listOf(spec['ignoreApplicationDifferences'] as Json | undefined)
  const ignored = entries.filter(isJsonObject).map((entry, index) => {
    const read = (field: string, kind: KeepMistake['kind'], parse: (text: string) => DocumentPath | undefined) =>
      textsOf(entry[field]).flatMap((text, place) => {
        const path = parse(text)
        if (!path) mistakes.push({ path: ['spec', 'ignoreApplicationDifferences', index, field, place], kind })
        return path ? [path] : []
      })
    return {
      name: typeof entry['name'] === 'string' ? entry['name'] : '',
      paths: [...read('jsonPointers', 'pointer', parsePointerPath), ...read('jqPathExpressions', 'jq', parseJqPath)],
    }
  })
  return {
    rules: {
      annotations: [...ALWAYS_KEPT, ...textsOf(preserved['annotations'])],
      labels: textsOf(preserved['labels']),
      ignored,
    },
    mistakes,
  }
}

/**
 * What a generated Application becomes where one of that name is already: as generated, with the values of what the
 * rules keep. A field that is ignored and not there stays away. Never its name, namespace, kind and Project: who it is
 * and what it may is not to be kept beside the document.
 */
export function keepFields(stored: JsonObject, generated: JsonObject, rules: KeepRules): JsonObject {
  const metadata = objectOf(stored['metadata'])
  if (!keepsAnything(metadata, rules)) return generated
  const result: MutableJsonObject = cloneJson(generated)
  keepKeys(result, 'annotations', objectOf(metadata['annotations']), rules.annotations)
  keepKeys(result, 'labels', objectOf(metadata['labels']), rules.labels)
  keepFinalizers(result, textsOf(metadata['finalizers']))
  const name = objectOf(generated['metadata'])['name']
  for (const rule of rules.ignored) {
    if (rule.name !== '' && rule.name !== name) continue
    for (const path of rule.paths) if (!isIdentity(path)) keepAt(result, stored, path)
  }
  return equalJson(result, generated) ? generated : result
}

/** Most Applications keep nothing: they are not copied. */
function keepsAnything(metadata: JsonObject, rules: KeepRules): boolean {
  const annotations = objectOf(metadata['annotations'])
  const labels = objectOf(metadata['labels'])
  return (
    rules.ignored.length > 0 ||
    rules.annotations.some(key => getKey(annotations, key) !== undefined) ||
    rules.labels.some(key => getKey(labels, key) !== undefined) ||
    textsOf(metadata['finalizers']).some(isHookFinalizer)
  )
}

function isHookFinalizer(name: string): boolean {
  return HOOK_FINALIZERS.some(hook => name.startsWith(hook))
}

const IDENTITY: readonly (readonly string[])[] = [
  ['apiVersion'],
  ['kind'],
  ['metadata'],
  ['metadata', 'name'],
  ['metadata', 'namespace'],
  ['spec'],
  ['spec', 'project'],
]

function isIdentity(path: DocumentPath): boolean {
  return IDENTITY.some(
    names =>
      names.length === path.length && path.every((step, index) => step.kind === 'field' && step.name === names[index]),
  )
}

function keepKeys(result: MutableJsonObject, field: string, stored: JsonObject, keys: readonly string[]): void {
  for (const key of keys) {
    const value = getKey(stored, key)
    if (value === undefined) continue
    setKey(memberOf(memberOf(result, 'metadata'), field), key, value)
  }
}

function keepFinalizers(result: MutableJsonObject, stored: readonly string[]): void {
  const generated = textsOf(objectOf(result['metadata'])['finalizers'])
  const kept = stored.filter(name => isHookFinalizer(name) && !generated.includes(name))
  if (kept.length > 0) setKey(memberOf(result, 'metadata'), 'finalizers', [...generated, ...kept])
}

/** Makes what stands at a path of `into` what stands there in `from`, or nothing where there is nothing. */
function keepAt(into: Json, from: Json | undefined, path: DocumentPath): void {
  const [step, ...rest] = path
  if (!step) return
  if (step.kind === 'each') keepEach(into, from, rest)
  if (step.kind === 'each' || step.kind === 'where') return
  const key = keyIn(into, step)
  if (key === undefined) return
  const there = childOf(from, step)
  if (rest.length > 0) {
    const child = childOf(into, step)
    const made = child === undefined && there !== undefined ? onlyAt(there, rest) : undefined
    if (child !== undefined) keepAt(child, there, rest)
    else if (made !== undefined) put(into, key, made)
    return
  }
  if (there !== undefined) put(into, key, cloneJson(there))
  else remove(into, key)
}

/** Elements of two lists belong together by what they are, not by where they stand. */
function keepEach(into: Json, from: Json | undefined, rest: DocumentPath): void {
  if (!Array.isArray(into)) return
  const [condition, ...after] = rest
  const steps = condition?.kind === 'where' ? after : rest
  const others = Array.isArray(from) ? [...(from as readonly Json[])] : []
  into.forEach((element: Json, index) => {
    if (condition?.kind === 'where' && !passes(textAt(element, condition.path), condition)) return
    const other = others[partnerOf(element, index, others)]
    if (other === undefined) return
    if (steps.length === 0) into[index] = cloneJson(other)
    else keepAt(element, other, steps)
  })
}

function passes(text: string | undefined, { is, text: wanted }: Extract<PathStep, { kind: 'where' }>): boolean {
  if (text === undefined) return false
  if (is === 'equal') return text === wanted
  if (is === 'contains') return text.includes(wanted)
  return is === 'startswith' ? text.startsWith(wanted) : text.endsWith(wanted)
}

/** Fields that say which element of a list it is, the first that it has. */
const ELEMENT_KEYS: readonly (readonly string[])[] = [
  ['ref'],
  ['name'],
  ['repoURL', 'chart', 'path'],
  ['kind', 'group'],
]

function partnerOf(element: Json, index: number, others: readonly Json[]): number {
  if (!isJsonObject(element)) return index
  const key = ELEMENT_KEYS.find(fields => getKey(element, fields[0]!) !== undefined)
  if (!key) return index
  return others.findIndex(
    other => isJsonObject(other) && key.every(field => equalText(getKey(element, field), getKey(other, field))),
  )
}

function equalText(a: Json | undefined, b: Json | undefined): boolean {
  return equalJson(a ?? null, b ?? null)
}

function keyIn(value: Json, step: PathStep): string | number | undefined {
  if (Array.isArray(value)) return step.kind === 'index' && step.index < value.length ? step.index : undefined
  if (!isJsonObject(value)) return undefined
  if (step.kind === 'field') return step.name
  return step.kind === 'index' ? String(step.index) : undefined
}

function childOf(value: Json | undefined, step: PathStep): Json | undefined {
  if (Array.isArray(value)) return step.kind === 'index' ? (value[step.index] as Json | undefined) : undefined
  if (!isJsonObject(value)) return undefined
  if (step.kind === 'field') return getKey(value, step.name)
  return step.kind === 'index' ? getKey(value, String(step.index)) : undefined
}

/** Of a stored value only what the path names, for a place that the generated document has not. */
function onlyAt(value: Json, path: DocumentPath): Json | undefined {
  const [step, ...rest] = path
  if (!step) return cloneJson(value)
  if (step.kind !== 'field') return undefined
  const child = childOf(value, step)
  const made = child === undefined ? undefined : onlyAt(child, rest)
  if (made === undefined) return undefined
  const holder: MutableJsonObject = {}
  setKey(holder, step.name, made)
  return holder
}

function put(into: Json, key: string | number, value: Json): void {
  if (Array.isArray(into)) into[key as number] = value
  else setKey(into as MutableJsonObject, String(key), value)
}

function remove(into: Json, key: string | number): void {
  // An element of a list is only changed in place: taking it out would move the others.
  if (!Array.isArray(into)) delete (into as MutableJsonObject)[String(key)]
}

function memberOf(object: MutableJsonObject, key: string): MutableJsonObject {
  const found = getKey(object, key)
  if (isJsonObject(found)) return found as MutableJsonObject
  const made: MutableJsonObject = {}
  setKey(object, key, made)
  return made
}

function textAt(value: Json, path: readonly string[]): string | undefined {
  let node: Json | undefined = value
  for (const name of path) node = isJsonObject(node) ? getKey(node, name) : undefined
  return typeof node === 'string' ? node : undefined
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []
}

function textsOf(value: Json | undefined): readonly string[] {
  return listOf(value).filter(each => typeof each === 'string')
}
