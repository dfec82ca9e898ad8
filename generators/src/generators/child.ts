import { isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import type { TemplateEngine } from '../engines/engine.ts'
import type { Failure } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { LIMITS } from '../limits.ts'
import { below, entryTransformer, generatorsOf } from '../transform.ts'
import { failedWith, type Generated, type GeneratorContext, invalidGenerator } from './generator.ts'

/** One generator inside a combinator, ready to run; each failure names its place below the combinator's body. */
export interface Child {
  /** The scope under which its parameters are to stand: `.cluster` for `name: cluster`. Ours only. */
  readonly name?: string
  /** Runs it, filled in from the parameters before it; its own parameters come without its name. */
  readonly run: (parent: Parameters) => Generated
}

/** `cluster`: what stands in templates as `.cluster` and in expressions as a variable. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/

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
    const message = `more than ${LIMITS.combinators} combinators (matrix, merge, union) inside one another`
    return { failures: [{ code: 'NESTING_TOO_DEEP', message, path: [] }] }
  }
  const failures = nameMistakes(entries as readonly Json[], context)
  if (failures.length > 0) return { failures }
  const inner: GeneratorContext = { ...context, depth: context.depth + 1 }
  return { children: entries.map((entry, index) => childOf(entry as Json, ['generators', index], inner)) }
}

function nameMistakes(entries: readonly Json[], { set }: GeneratorContext): readonly Failure[] {
  const seen = new Set<string>()
  return entries.flatMap((entry, index): Failure[] => {
    const name = isJsonObject(entry) ? (entry['name'] ?? undefined) : undefined
    if (name === undefined) return []
    const path = ['generators', index, 'name']
    if (set.group === 'argoproj.io') {
      return [invalidGenerator('there is no field "name"', path, '"name" needs apiVersion: flotilla.dev/v1alpha1')]
    }
    if (typeof name !== 'string' || !NAME.test(name)) {
      const hint = 'letters, digits and "_", not beginning with a digit'
      return [invalidGenerator('the name of a generator is one word', path, hint)]
    }
    if (seen.size < seen.add(name).size) return []
    return [invalidGenerator(`two generators here have the name "${name}"`, path)]
  })
}

function childOf(entry: Json, path: readonly (string | number)[], context: GeneratorContext): Child {
  const fail = (message: string): Child => {
    const failure = invalidGenerator(message, path)
    return { run: () => failedWith(failure) }
  }
  if (!isJsonObject(entry)) return fail('child generator generated no parameters')
  const generators = generatorsOf(entry, context.registry)
  if (generators.length > 1) return fail('found more than one generator in matrix.Generators')
  if (generators.length === 0) return fail('child generator generated no parameters')
  const { name, ...rest } = entry
  const transform = entryTransformer(rest, context)
  const run = (parent: Parameters): Generated => {
    const transformed = transform(parent)
    if (transformed.kind === 'waiting') return transformed
    if (transformed.kind === 'failed') {
      const prefix = 'child generator returned an error on parameter generation: '
      return failedWith(...prefixed(prefix, below(path, transformed.failures)))
    }
    const [result] = transformed.results
    const kept = result?.sets ?? []
    return {
      kind: 'sets',
      sets: kept.map(({ parameters }) => parameters),
      origins: kept.map(({ element, generator }) => ({ generator: generator ?? '', element })),
      ...(result?.opaque && { opaque: result.opaque }),
    }
  }
  return typeof name === 'string' ? { name, run } : { run }
}

/** The parameters under the name of their generator: an object of that name, or keys that begin with it and a dot. */
export function underName(parameters: Parameters, name: string | undefined, engine: TemplateEngine): Parameters {
  if (name === undefined) return parameters
  const result: MutableJsonObject = {}
  if (engine.shape === 'nested') setKey(result, name, parameters)
  else for (const key of Object.keys(parameters)) setKey(result, `${name}.${key}`, parameters[key])
  return result
}

/** The opaque keys of a child's sets after {@link underName}. */
export function opaqueUnderName(
  opaque: ReadonlySet<string> | undefined,
  name: string | undefined,
  engine: TemplateEngine,
): readonly string[] {
  if (opaque === undefined || name === undefined) return [...(opaque ?? [])]
  return engine.shape === 'nested' ? [] : [...opaque].map(key => `${name}.${key}`)
}

export function prefixed(prefix: string, failures: readonly Failure[]): readonly Failure[] {
  return failures.map(failure => ({ ...failure, message: prefix + failure.message }))
}

/** What fails alike for each of many sets is said once. */
export function distinct(failures: readonly Failure[]): readonly Failure[] {
  return [...new Map(failures.map(failure => [JSON.stringify([failure.path, failure.message]), failure])).values()]
}
