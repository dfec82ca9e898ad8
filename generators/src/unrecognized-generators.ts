import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import { TemplateError } from './failure.ts'
import type { GeneratorRegistry } from './generators/generator.ts'
import { readJson } from './read-yaml.ts'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

export interface UnrecognizedEntry {
  readonly index: number
  /** Keys of the entry that are no generator; empty when nobody knows them any more. */
  readonly names: readonly string[]
}

/**
 * Entries of `spec.generators` that hold something which is no generator, or nothing at all (applicationsets.md 2.2). A document
 * that went through a Kubernetes API server has lost such keys; their names then come from kubectl's annotation, where
 * it is there.
 */
export function unrecognizedGenerators(
  entries: readonly Json[],
  annotations: { readonly [key: string]: string },
  registry: GeneratorRegistry,
): readonly UnrecognizedEntry[] {
  const found: UnrecognizedEntry[] = []
  for (const [index, entry] of entries.entries()) {
    const keys = usedKeys(entry)
    const unknown = keys.filter(key => !registry.has(key))
    const recognised = keys.length > unknown.length || (isJsonObject(entry) && Object.hasOwn(entry, 'selector'))
    if (unknown.length > 0) found.push({ index, names: unknown })
    else if (!recognised) found.push({ index, names: prunedNames(annotations, index, registry) })
  }
  return found
}

/** Argo CD's words. */
export function unrecognizedMessage(set: string, names: readonly string[]): string {
  return `ApplicationSet ${set} contains unrecognized generators${names.length > 0 ? `: ${names.join(', ')}` : ''}`
}

/** Fields of an entry beside its generator; a loader refuses `when` where there is none. */
const NO_GENERATORS: ReadonlySet<string> = new Set(['selector', 'when'])

function usedKeys(entry: Json): readonly string[] {
  if (!isJsonObject(entry)) return []
  return Object.keys(entry).filter(key => !NO_GENERATORS.has(key) && entry[key] !== null && entry[key] !== undefined)
}

function prunedNames(
  annotations: { readonly [key: string]: string },
  index: number,
  registry: GeneratorRegistry,
): readonly string[] {
  const written = lastApplied(annotations)
  return usedKeys(written[index] ?? null)
    .filter(key => !registry.has(key))
    .slice(0, 1)
}

function lastApplied(annotations: { readonly [key: string]: string }): readonly Json[] {
  const text = Object.hasOwn(annotations, LAST_APPLIED) ? annotations[LAST_APPLIED] : undefined
  if (text === undefined) return []
  let document: Json
  try {
    document = readJson(text)
  } catch (error) {
    if (error instanceof TemplateError) return []
    throw error
  }
  const spec: Json | undefined = isJsonObject(document) ? document['spec'] : undefined
  const generators = isJsonObject(spec) ? (spec as JsonObject)['generators'] : undefined
  return Array.isArray(generators) ? generators : []
}
