import { isJsonObject, type Json, type JsonObject, type MutableJsonObject } from '@flotilla/core/json/json'
import { type DocumentPath, type Failure, failureOf, TemplateError } from './failure.ts'
import { flatten } from './flatten.ts'
import type { Generated, Generator, GeneratorContext, GeneratorRegistry } from './generators/generator.ts'
import type { Parameters } from './inputs.ts'
import { type Interpolate, interpolation } from './interpolate.ts'
import { type LabelSelector, matchesSelector, parseLabelSelector } from './label-selector.ts'
import { LIMITS } from './limits.ts'
import { known, withParentKnown } from './parent-known.ts'
import { type Condition, compileCondition } from './when.ts'

/** What one generator of an entry gives, after the entry's selector and its `when`. */
export interface TransformResult {
  readonly key: string
  /** The generator's own template, not yet filled from the set's. */
  readonly template: JsonObject | undefined
  readonly sets: readonly ElementParameters[]
  readonly opaque?: ReadonlySet<string>
  readonly authoritative?: boolean
}

export interface ElementParameters {
  /** Which of the generator's parameter sets, from 0, those counted that the selector refused. */
  readonly element: number
  readonly parameters: Parameters
  /** Of a `union`: which generator inside the entry gave it, `union.1`; `element` counts that generator's sets. */
  readonly generator?: string
}

export type Transformed =
  | { readonly kind: 'results'; readonly results: readonly TransformResult[] }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'failed'; readonly failures: readonly Failure[] }

/** Runs one entry with the parameters of the first child of its matrix; with none for an entry that has no parent. */
export type EntryTransformer = (parent: Parameters) => Transformed

/**
 * One entry of `generators`: every generator key it holds is run, and what the entry's selector or its `when` refuses
 * is left out (applicationsets.md 2.1). All failures are collected; one suffices for the entry to give nothing.
 */
export function entryTransformer(entry: JsonObject, context: GeneratorContext): EntryTransformer {
  // The selector is taken as written: only the generators are filled in from the parent.
  const filter = catching([], () => entryFilter(entry, context))
  const generators = generatorsOf(entry, context.registry)
  let interpolate: Interpolate | undefined
  let last: { readonly entry: JsonObject; readonly transformed: Transformed } | undefined
  return parent => {
    if ('failures' in filter) return { kind: 'failed', failures: filter.failures }
    if (Object.keys(parent).length === 0) return runEntry(entry, filter.value, generators, context)
    const filled = catching([], () => {
      interpolate ??= entryInterpolation(entry, generators, context)
      return interpolate(parent, context.meter)
    })
    if ('failures' in filled) return { kind: 'failed', failures: filled.failures }
    // An entry that nothing is filled into gives the same for each parent: a matrix asks a hundred times.
    if (last?.entry === filled.value) return last.transformed
    const transformed = runEntry(filled.value, filter.value, generators, { ...context, parent })
    if (!generators.some(isCombinator) && filter.value.condition === undefined)
      last = { entry: filled.value, transformed }
    return transformed
  }
}

/**
 * The generators inside a combinator are filled in when they run, once everything is known that they may refer to: a
 * reference to a neighbour inside is not yet known here, and would be lost (applicationsets.md 4.3).
 */
function entryInterpolation(
  entry: JsonObject,
  generators: readonly Generator[],
  { engine, registry }: GeneratorContext,
): Interpolate {
  const inner = new Map<string, Json>()
  const rest: MutableJsonObject = { ...entry }
  for (const generator of generators.filter(isCombinator)) {
    const body = entry[generator.key]
    if (!isJsonObject(body) || body['generators'] === undefined) continue
    const { generators: children, ...others } = body
    inner.set(generator.key, children)
    rest[generator.key] = others
  }
  const interpolate = interpolation(rest, engine, registry)
  if (inner.size === 0) return interpolate
  return (parent, meter) => {
    const filled: MutableJsonObject = { ...interpolate(parent, meter) }
    for (const [key, children] of inner) filled[key] = { ...(filled[key] as JsonObject), generators: children }
    return filled
  }
}

function isCombinator(generator: Generator): boolean {
  return generator.fields.includes('generators')
}

function runEntry(
  entry: JsonObject,
  filter: EntryFilter,
  generators: readonly Generator[],
  context: GeneratorContext,
): Transformed {
  const results: TransformResult[] = []
  const failures: Failure[] = []
  let waiting = false
  for (const generator of generators) {
    const body = entry[generator.key]
    const generated = runGenerator(generator, isJsonObject(body) ? body : undefined, context)
    if (generated.kind === 'waiting') waiting = true
    else if (generated.kind === 'failed') failures.push(...below([generator.key], generated.failures))
    else {
      const { opaque, authoritative } = generated
      const kept = catching([], () => keepSome(generated, filter, context))
      if ('failures' in kept) failures.push(...kept.failures)
      else
        results.push({
          key: generator.key,
          template: ownTemplate(body),
          sets: kept.value,
          ...(opaque && { opaque }),
          ...(authoritative && { authoritative }),
        })
    }
  }
  if (failures.length > 0) return { kind: 'failed', failures }
  return waiting ? { kind: 'waiting' } : { kind: 'results', results }
}

/** The generators whose keys an entry holds, in the order of the registry. */
export function generatorsOf(entry: JsonObject, registry: GeneratorRegistry): readonly Generator[] {
  return [...registry.values()].filter(({ key }) => Object.hasOwn(entry, key) && entry[key] != null)
}

function runGenerator(generator: Generator, body: JsonObject | undefined, context: GeneratorContext): Generated {
  const fail = (code: string, message: string, hint?: string): Generated => ({
    kind: 'failed',
    failures: [{ code, message, path: [], ...(hint === undefined ? {} : { hint }) }],
  })
  if (context.set.group === 'argoproj.io') {
    const addition = generator.additions?.find(field => body?.[field] !== undefined)
    if (addition !== undefined) {
      return fail('GENERATOR_INVALID', `there is no field "${addition}"`, `"${addition}" needs ${OUR_VERSION}`)
    }
  }
  if (generator.generate === undefined) {
    return fail('UNSUPPORTED_GENERATOR', `the generator "${generator.key}" is not built yet`, UNSUPPORTED_HINT)
  }
  if (body === undefined) return fail('GENERATOR_INVALID', `${generator.key} is an object`)
  try {
    const generated = generator.generate(body, isCombinator(generator) ? context : withParentKnown(context))
    if (generated.kind !== 'sets' || generated.sets.length <= LIMITS.parameterSets) return generated
    return fail('TOO_MANY_PARAMETERS', `${generator.key} gives more than ${LIMITS.parameterSets} parameter sets`)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return { kind: 'failed', failures: [failureOf(error, [])] }
  }
}

const OUR_VERSION = 'apiVersion: flotilla.dev/v1alpha1'
const UNSUPPORTED_HINT = 'what this generator gave before stays as it is; the other generators of the set go on'

/** Which of a generator's parameter sets count. */
interface EntryFilter {
  readonly selector: LabelSelector
  readonly condition: Condition | undefined
}

function keepSome(
  { sets, opaque, origins }: Extract<Generated, { kind: 'sets' }>,
  { selector, condition }: EntryFilter,
  context: GeneratorContext,
): ElementParameters[] {
  const elements = sets.map((parameters, element) => ({ element, parameters, ...origins?.[element] }))
  const selected =
    selector.length === 0
      ? elements
      : elements.filter(({ parameters }) =>
          at(['selector'], () => matchesSelector(selector, flatten(parameters, context.set.numbers, opaque))),
        )
  if (condition === undefined) return selected
  const { parent, engine, meter } = context
  return selected.filter(({ parameters }) =>
    at(['when'], () => condition(parent === undefined ? parameters : known(parameters, parent, engine), meter)),
  )
}

/** Runs, and places what fails below the entry. */
function at<Value>(path: DocumentPath, run: () => Value): Value {
  try {
    return run()
  } catch (error) {
    throw error instanceof TemplateError ? error.at([...path, ...error.path]) : error
  }
}

function entryFilter(entry: JsonObject, { set }: GeneratorContext): EntryFilter {
  const condition = set.group === 'flotilla.dev' ? at(['when'], () => compileCondition(entry['when'])) : undefined
  return { selector: entrySelector(entry), condition }
}

function entrySelector(entry: JsonObject): LabelSelector {
  try {
    return parseLabelSelector(entry['selector'], 'parameters')
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    throw error.wrap('error parsing label selector: ').at(['selector', ...error.path])
  }
}

function ownTemplate(body: unknown): JsonObject | undefined {
  return isJsonObject(body) && isJsonObject(body['template']) ? body['template'] : undefined
}

export function below(path: DocumentPath, failures: readonly Failure[]): readonly Failure[] {
  return failures.map(failure => ({ ...failure, path: [...path, ...failure.path] }))
}

function catching<Value>(path: DocumentPath, run: () => Value): { value: Value } | { failures: readonly Failure[] } {
  try {
    return { value: run() }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return { failures: [failureOf(error, path)] }
  }
}
