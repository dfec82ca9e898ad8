import type { Json, JsonObject } from '@flotilla/core/json/json'
import { type Failure, failureOf, TemplateError } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { LIMITS } from '../limits.ts'
import { type Child, distinct, opaqueUnderName, prefixed, readChildren, underName } from './child.ts'
import {
  failedWith,
  type Generated,
  type Generator,
  type GeneratorContext,
  invalidGenerator,
  type SetOrigin,
} from './generator.ts'
import { type KeyReader, keyReader, rowKey } from './row-key.ts'

/**
 * `union`: the parameter sets of several generators one after the other, of those with one `dedupeKey` only the first
 * (applicationsets.md 9.11). Each set knows which generator gave it. Ours only.
 */
export const union: Generator = {
  key: 'union',
  fields: ['generators', 'dedupeKey', 'template'],
  generate,
}

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const read = readChildren(body, context)
  if ('failures' in read) return failedWith(...read.failures)
  const { children } = read
  const failures: Failure[] = []
  if (children.length === 0) failures.push(invalidGenerator('union needs a generator', ['generators']))
  const readers = readDedupeKey(body['dedupeKey'], context, failures)
  if (failures.length > 0) return failedWith(...failures)
  return collect(children, readers, context)
}

/** A text or several; nothing when no set is to be left out. */
function readDedupeKey(
  written: Json | undefined,
  context: GeneratorContext,
  failures: Failure[],
): readonly KeyReader[] | undefined {
  if (written === undefined || written === null) return undefined
  const texts: readonly Json[] = Array.isArray(written) ? written : [written]
  if (texts.length === 0 || !texts.every(text => typeof text === 'string')) {
    failures.push(invalidGenerator('dedupeKey is a path, an expression or a list of them', ['dedupeKey']))
    return undefined
  }
  return texts.flatMap((text, index) => {
    try {
      return [keyReader(text, context)]
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      failures.push(failureOf(error, Array.isArray(written) ? ['dedupeKey', index] : ['dedupeKey']))
      return []
    }
  })
}

function collect(
  children: readonly Child[],
  readers: readonly KeyReader[] | undefined,
  context: GeneratorContext,
): Generated {
  const sets: Parameters[] = []
  const origins: SetOrigin[] = []
  const opaque = new Set<string>()
  const failures: Failure[] = []
  const seen = new Set<string>()
  let waiting = false
  for (const [index, child] of children.entries()) {
    const generated = child.run(context.parent ?? {})
    if (generated.kind === 'waiting') waiting = true
    else if (generated.kind === 'failed') {
      failures.push(...prefixed(`generator ${index + 1} of the union: `, generated.failures))
    } else {
      if (sets.length + generated.sets.length > LIMITS.parameterSets) return failedWith(tooMany())
      for (const key of opaqueUnderName(generated.opaque, child.name, context.engine)) opaque.add(key)
      for (const [element, own] of generated.sets.entries()) {
        const parameters = underName(own, child.name, context.engine)
        const key = keyOf(parameters, readers, failures)
        if (key !== undefined && seen.size === seen.add(key).size) continue
        sets.push(parameters)
        origins.push(originOf(index, generated.origins?.[element], element))
      }
    }
  }
  if (failures.length > 0) return failedWith(...distinct(failures).slice(0, LIMITS.errorsPerGenerator))
  if (waiting) return { kind: 'waiting' }
  return { kind: 'sets', sets, origins, ...(opaque.size > 0 && { opaque }) }
}

function keyOf(parameters: Parameters, readers: readonly KeyReader[] | undefined, failures: Failure[]) {
  if (readers === undefined) return undefined
  try {
    return rowKey(readers, parameters)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    if (failures.length < LIMITS.errorsPerGenerator) failures.push(failureOf(error.at([]), ['dedupeKey']))
    return undefined
  }
}

function originOf(index: number, inner: SetOrigin | undefined, element: number): SetOrigin {
  const own = `union.${index}`
  if (inner === undefined) return { generator: own, element }
  return { generator: inner.generator === '' ? own : `${own}.${inner.generator}`, element: inner.element }
}

function tooMany(): Failure {
  const message = `union gives more than ${LIMITS.parameterSets} parameter sets`
  return { code: 'TOO_MANY_PARAMETERS', message, path: [] }
}
