import { type Json, type JsonObject, jsonObject } from '@flotilla/core/json/json'
import { type Failure, TemplateError } from '../failure.ts'
import { goJson } from '../go-text.ts'
import type { Parameters } from '../inputs.ts'
import { type Child, opaqueUnderName, prefixed, readChildren } from './child.ts'
import { overlay } from './combine.ts'
import { failedWith, type Generated, type Generator, type GeneratorContext, invalidGenerator } from './generator.ts'
import { joinRows, readJoinPlan } from './join-rows.ts'

/**
 * `merge`: the parameter sets of the first generator, each overridden by the sets of the others that have the same
 * values under `mergeKeys` (applicationsets.md 9.6). The order is that of the first generator. Ours compares what paths
 * and expressions give, and says what becomes of sets without a partner and of conflicts.
 */
export const merge: Generator = {
  key: 'merge',
  fields: ['generators', 'mergeKeys', 'join', 'onConflict', 'template'],
  additions: ['join', 'onConflict'],
  generate,
}

const BY_KEY = 'error getting param sets by merge key: '

function generate(body: JsonObject, context: GeneratorContext): Generated {
  const read = readChildren(body, context)
  if ('failures' in read) return failedWith(...read.failures)
  const { children } = read
  if (children.length < 2) {
    const message = 'found less than two generators, Merge requires two or more'
    return failedWith(invalidGenerator(message, ['generators']))
  }
  return context.set.group === 'argoproj.io' ? likeArgo(body, children, context) : ours(body, children, context)
}

function likeArgo(body: JsonObject, children: readonly Child[], context: GeneratorContext): Generated {
  const keys = readMergeKeys(body['mergeKeys'])
  if (keys === undefined) return failedWith(invalidGenerator('mergeKeys is a list of texts', ['mergeKeys']))
  const generated = runAll(children, context)
  if ('kind' in generated) return generated
  const { lists, opaque } = generated
  try {
    return { kind: 'sets', sets: mergeLists(lists, keys, context), ...(opaque.size > 0 && { opaque }) }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return failedWith(invalidGenerator(BY_KEY + error.message, ['mergeKeys'], error.hint))
  }
}

function ours(body: JsonObject, children: readonly Child[], context: GeneratorContext): Generated {
  const plan = readJoinPlan(body, context)
  if ('failures' in plan) return failedWith(...plan.failures)
  const generated = runAll(children, context)
  if ('kind' in generated) return generated
  const { lists, opaque } = generated
  const joined = joinRows(
    lists.map((sets, index) => ({ name: children[index]!.name, sets })),
    plan,
    context.engine,
  )
  if ('failures' in joined) return failedWith(...joined.failures)
  return { kind: 'sets', sets: joined.rows, ...(opaque.size > 0 && { opaque }) }
}

interface Lists {
  /** Of each generator, without its name. */
  readonly lists: readonly (readonly Parameters[])[]
  readonly opaque: ReadonlySet<string>
}

function runAll(children: readonly Child[], context: GeneratorContext): Lists | Generated {
  const failures: Failure[] = []
  const opaque = new Set<string>()
  const lists: (readonly Parameters[])[] = []
  for (const [index, child] of children.entries()) {
    const generated = child.run(context.parent ?? {})
    if (generated.kind === 'failed') {
      const prefix = `error getting param sets from generators: error getting params from generator ${index + 1} of ${children.length}: `
      failures.push(...prefixed(prefix, generated.failures))
    } else if (generated.kind === 'sets') {
      lists.push(generated.sets)
      for (const key of opaqueUnderName(generated.opaque, child.name, context.engine)) opaque.add(key)
    }
  }
  if (failures.length > 0) return failedWith(...failures)
  return lists.length < children.length ? { kind: 'waiting' } : { lists, opaque }
}

function mergeLists(
  lists: readonly (readonly Parameters[])[],
  keys: readonly string[],
  context: GeneratorContext,
): readonly Parameters[] {
  const [base, ...others] = lists.map(sets => parameterSetsByMergeKey(keys, sets))
  const merged = new Map(base)
  for (const other of others) {
    for (const [key, over] of other) {
      const before = merged.get(key)
      if (before === undefined) continue
      merged.set(key, context.engine.shape === 'flat' ? { ...before, ...over } : overlay(before, over))
    }
  }
  return [...merged.values()]
}

/**
 * Parameter sets by the JSON of their merge keys, a missing key being null.
 *
 * @throws TemplateError when there are no keys, or when two sets have the same.
 */
export function parameterSetsByMergeKey(
  mergeKeys: readonly string[],
  sets: readonly Parameters[],
): ReadonlyMap<string, Parameters> {
  if (mergeKeys.length === 0) {
    throw new TemplateError('GENERATOR_INVALID', 'no merge keys were specified, Merge requires at least one')
  }
  const byKey = new Map<string, Parameters>()
  for (const set of sets) {
    const entries = mergeKeys.map(key => [key, Object.hasOwn(set, key) ? (set[key] ?? null) : null] as const)
    const key = goJson(jsonObject(entries))
    if (byKey.has(key)) {
      throw new TemplateError(
        'GENERATOR_INVALID',
        'the parameters from a generator were not unique by the given mergeKeys, Merge requires all param sets to be ' +
          `unique. Duplicate key was ${key}`,
        { hint: 'only top-level parameters can be merge keys; under flotilla.dev paths and expressions can' },
      )
    }
    byKey.set(key, set)
  }
  return byKey
}

function readMergeKeys(keys: Json | undefined): readonly string[] | undefined {
  if (keys === undefined || keys === null) return []
  return Array.isArray(keys) && keys.every(key => typeof key === 'string') ? keys : undefined
}
