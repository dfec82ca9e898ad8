import type { JsonObject } from '@flotilla/core/json/json'
import { type Failure, failureOf, TemplateError } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { LIMITS } from '../limits.ts'
import { type Child, prefixed, readChildren } from './child.ts'
import { combineFlat, overlay } from './combine.ts'
import { failedWith, type Generated, type Generator, type GeneratorContext, invalidGenerator } from './generator.ts'

/**
 * `matrix`: every parameter set of the first generator with every one of the second, which may refer to the first's
 * (applicationsets.md 9.4).
 */
export const matrix: Generator = { key: 'matrix', fields: ['generators', 'template'], generate }

const FIRST = 'error failed to get params for first generator in matrix generator: '
const SECOND = 'failed to get params for second generator in the matrix generator: '
const COMBINE = 'failed to combine string maps with merging params for the matrix generator: '

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const read = readChildren(body, context)
  if ('failures' in read) return failedWith(...read.failures)
  const [first, second, third] = read.children
  if (first === undefined || second === undefined) {
    return failedWith(invalidGenerator('found less than two generators, Matrix support only two', ['generators']))
  }
  if (third !== undefined) {
    const hint = 'put a matrix inside the matrix for a third one'
    const message = 'found more than two generators, Matrix support only two'
    return failedWith(invalidGenerator(message, ['generators'], hint))
  }
  const left = first({})
  if (left.kind === 'failed') return failedWith(...prefixed(FIRST, left.failures))
  if (left.kind === 'waiting') return left
  return product(left.sets, second, context, left.opaque)
}

function product(
  left: readonly Parameters[],
  second: Child,
  context: GeneratorContext,
  leftOpaque: ReadonlySet<string> | undefined,
): Generated {
  const sets: Parameters[] = []
  const failures: Failure[] = []
  const opaque = new Set(leftOpaque)
  let waiting = false
  for (const a of left) {
    const right = second(a)
    if (right.kind === 'waiting') {
      // The others are asked too, so that one round of gathering suffices.
      waiting = true
      continue
    }
    if (right.kind === 'failed') {
      failures.push(...prefixed(SECOND, right.failures))
      if (failures.length >= LIMITS.errorsPerGenerator) break
      continue
    }
    if (sets.length + right.sets.length > LIMITS.parameterSets) return failedWith(tooMany())
    for (const key of right.opaque ?? []) opaque.add(key)
    try {
      for (const b of right.sets) sets.push(combine(a, b, context))
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      failures.push(failureOf(error.wrap(COMBINE), []))
      // Whatever conflicts once does so for nearly every pair: the first says it all.
      break
    }
  }
  if (failures.length > 0) return failedWith(...distinct(failures))
  if (waiting) return { kind: 'waiting' }
  return { kind: 'sets', sets, ...(opaque.size > 0 && { opaque }) }
}

/** The first generator wins over the second where both have a key; in the flat shape that is an error instead. */
function combine(a: Parameters, b: Parameters, context: GeneratorContext): Parameters {
  return context.engine.shape === 'flat' ? combineFlat(a, b, context.set.numbers) : overlay(b, a)
}

function tooMany(): Failure {
  const message = `matrix gives more than ${LIMITS.parameterSets} parameter sets`
  return { code: 'TOO_MANY_PARAMETERS', message, path: [] }
}

/** What fails alike for each set of the first generator is said once. */
function distinct(failures: readonly Failure[]): readonly Failure[] {
  return [...new Map(failures.map(failure => [JSON.stringify([failure.path, failure.message]), failure])).values()]
}
