import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { Failure } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { LIMITS } from '../limits.ts'
import { below, entryTransformer, generatorsOf } from '../transform.ts'
import { failedWith, type Generated, type GeneratorContext, invalidGenerator } from './generator.ts'

/** One generator inside a combinator, ready to run; each failure names its place below the combinator's body. */
export type Child = (parent: Parameters) => Generated

/**
 * Reads `generators` of a combinator.
 *
 * Argo CD allows two combinators inside one another and forgets deeper ones; here they may nest up to
 * `LIMITS.combinators`.
 */
export function readChildren(
  body: JsonObject,
  context: GeneratorContext,
): { children: readonly Child[] } | { failures: readonly Failure[] } {
  const entries = body['generators'] ?? []
  if (!Array.isArray(entries)) return { failures: [invalidGenerator('generators is a list', ['generators'])] }
  if (context.depth >= LIMITS.combinators) {
    const message = `more than ${LIMITS.combinators} combinators (matrix, merge) inside one another`
    return { failures: [{ code: 'NESTING_TOO_DEEP', message, path: [] }] }
  }
  const inner: GeneratorContext = { ...context, depth: context.depth + 1 }
  return { children: entries.map((entry, index) => childOf(entry as Json, ['generators', index], inner)) }
}

function childOf(entry: Json, path: readonly (string | number)[], context: GeneratorContext): Child {
  const fail = (message: string): Child => {
    const failure = invalidGenerator(message, path)
    return () => failedWith(failure)
  }
  if (!isJsonObject(entry)) return fail('child generator generated no parameters')
  const generators = generatorsOf(entry, context.registry)
  if (generators.length > 1) return fail('found more than one generator in matrix.Generators')
  if (generators.length === 0) return fail('child generator generated no parameters')
  const transform = entryTransformer(entry, context)
  return parent => {
    const transformed = transform(parent)
    if (transformed.kind === 'waiting') return transformed
    if (transformed.kind === 'failed') {
      const prefix = 'child generator returned an error on parameter generation: '
      return failedWith(...prefixed(prefix, below(path, transformed.failures)))
    }
    const [result] = transformed.results
    const sets = (result?.sets ?? []).map(({ parameters }) => parameters)
    return { kind: 'sets', sets, ...(result?.opaque && { opaque: result.opaque }) }
  }
}

export function prefixed(prefix: string, failures: readonly Failure[]): readonly Failure[] {
  return failures.map(failure => ({ ...failure, message: prefix + failure.message }))
}
