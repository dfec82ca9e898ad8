import type { JsonObject } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import type { MemoryRoom } from '../expansion-memory.ts'
import { type Failure, failureOf, TemplateError } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { LIMITS } from '../limits.ts'
import { type Child, distinct, opaqueUnderName, prefixed, readChildren, underName } from './child.ts'
import { choiceOf } from './choice.ts'
import { combineFlat, overlay, overlayShared } from './combine.ts'
import { failedWith, type Generated, type Generator, type GeneratorContext, invalidGenerator } from './generator.ts'

/**
 * `matrix`: every parameter set of the first generator with every one of the second, which may refer to the first's
 * (applicationsets.md 9.4). Ours takes any number of generators, each of which may refer to all before it.
 */
export const matrix: Generator = {
  key: 'matrix',
  fields: ['generators', 'join', 'template'],
  additions: ['join'],
  generate,
}

const FIRST = 'error failed to get params for first generator in matrix generator: '
const SECOND = 'failed to get params for second generator in the matrix generator: '
const COMBINE = 'failed to combine string maps with merging params for the matrix generator: '

/** `left`: a row for which a later generator gives nothing stays, without that generator's parameters. */
const JOINS = ['inner', 'left'] as const
type Join = (typeof JOINS)[number]

/** What the generators so far gave together. */
interface Row {
  readonly parameters: Parameters
  /** What later generators may refer to: the same, before anything became a text. */
  readonly scope: Parameters
}

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const read = readChildren(body, context)
  if ('failures' in read) return failedWith(...read.failures)
  const { children } = read
  const mistake = arityMistake(children.length, context)
  const join = choiceOf(body, 'join', JOINS, 'inner')
  const failures = [mistake, 'failure' in join ? join.failure : undefined].filter(failure => failure !== undefined)
  if (failures.length > 0 || 'failure' in join) return failedWith(...failures)
  return new Product(children, join.value, context, stringifyJson(body['generators'] ?? null)).rows()
}

function arityMistake(children: number, { set }: GeneratorContext): Failure | undefined {
  if (children < 2) {
    return invalidGenerator('found less than two generators, Matrix support only two', ['generators'])
  }
  if (children === 2 || set.group === 'flotilla.dev') return undefined
  const hint = 'put a matrix inside the matrix for a third one, or write apiVersion: flotilla.dev/v1alpha1'
  return invalidGenerator('found more than two generators, Matrix support only two', ['generators'], hint)
}

/** The rows so far, and one generator after the other that widens them. */
class Product {
  readonly #children: readonly Child[]
  readonly #join: Join
  readonly #context: GeneratorContext
  readonly #opaque = new Set<string>()
  /** Of each child, where pairs that were combined before are found. */
  readonly #rooms: readonly MemoryRoom[] = []

  /** @param key Tells this matrix from all others of the document. */
  constructor(children: readonly Child[], join: Join, context: GeneratorContext, key: string) {
    this.#children = children
    this.#join = join
    this.#context = context
    const { memory } = context
    if (memory)
      this.#rooms = children.map(({ name }, index) => memory.room(JSON.stringify(['matrix', key, index, name])))
  }

  rows(): Generated {
    const [first, ...others] = this.#children
    const { engine, parent = {} } = this.#context
    const left = first!.run(parent)
    if (left.kind === 'failed') return failedWith(...prefixed(FIRST, left.failures))
    if (left.kind === 'waiting') return left
    this.#note(first!, left)
    let rows: readonly Row[] = left.sets.map(set => {
      const parameters = underName(set, first!.name, engine)
      return { parameters, scope: parameters }
    })
    for (const [index, child] of others.entries()) {
      const widened = this.#widen(rows, child, index + 1)
      if ('kind' in widened) return widened
      rows = widened
    }
    const sets = rows.map(({ parameters }) => parameters)
    return { kind: 'sets', sets, ...(this.#opaque.size > 0 && { opaque: this.#opaque }) }
  }

  #widen(rows: readonly Row[], child: Child, index: number): readonly Row[] | Generated {
    const wide: Row[] = []
    const failures: Failure[] = []
    let waiting = false
    for (const row of rows) {
      const right = child.run(this.#scopeFor(row))
      if (right.kind === 'waiting') {
        // The others are asked too, so that one round of gathering suffices.
        waiting = true
        continue
      }
      if (right.kind === 'failed') {
        failures.push(...prefixed(index === 1 ? SECOND : laterPrefix(index), right.failures))
        if (failures.length >= LIMITS.errorsPerGenerator) break
        continue
      }
      if (wide.length + Math.max(right.sets.length, 1) > LIMITS.parameterSets) return failedWith(tooMany())
      this.#note(child, right)
      if (right.sets.length === 0 && this.#join === 'left') wide.push(this.#without(row, child))
      try {
        for (const set of right.sets) wide.push(this.#remembered(row, set, child, index))
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error
        failures.push(failureOf(error.wrap(COMBINE), []))
        // Whatever conflicts once does so for nearly every pair: the first says it all.
        break
      }
    }
    if (failures.length > 0) return failedWith(...distinct(failures))
    return waiting ? { kind: 'waiting' } : wide
  }

  /** What stands around the matrix counts before what stands in it, as when the one is filled in first. */
  #scopeFor({ scope }: Row): Parameters {
    const { engine, parent } = this.#context
    if (parent === undefined) return scope
    return engine.shape === 'flat' ? { ...scope, ...parent } : overlayShared(scope, parent)
  }

  #remembered(row: Row, set: Parameters, child: Child, index: number): Row {
    const last = index === this.#children.length - 1
    const combine = (): Row => this.#combine(row, set, child, last)
    const room = this.#rooms[index]
    return room ? room.combined(row.parameters, set, combine) : combine()
  }

  /** An earlier generator wins over a later one where both have a key; in the flat shape that is an error instead. */
  #combine(row: Row, set: Parameters, child: Child, last: boolean): Row {
    const { engine, set: facts } = this.#context
    const own = underName(set, child.name, engine)
    if (engine.shape === 'flat') {
      const parameters = combineFlat(row.parameters, own, facts.numbers)
      return { parameters, scope: last ? parameters : { ...own, ...row.scope } }
    }
    const parameters = overlay(own, row.parameters)
    return { parameters, scope: parameters }
  }

  /** A named generator that gave nothing is null, so that a template may ask for it. */
  #without(row: Row, child: Child): Row {
    const { engine, set } = this.#context
    if (engine.shape === 'flat') return { ...row, parameters: combineFlat(row.parameters, {}, set.numbers) }
    if (child.name === undefined) return row
    const parameters = overlay({ [child.name]: null }, row.parameters)
    return { parameters, scope: parameters }
  }

  #note(child: Child, generated: Extract<Generated, { kind: 'sets' }>): void {
    for (const key of opaqueUnderName(generated.opaque, child.name, this.#context.engine)) this.#opaque.add(key)
  }
}

function laterPrefix(index: number): string {
  return `failed to get params for generator ${index + 1} in the matrix generator: `
}

function tooMany(): Failure {
  const message = `matrix gives more than ${LIMITS.parameterSets} parameter sets`
  return { code: 'TOO_MANY_PARAMETERS', message, path: [] }
}
