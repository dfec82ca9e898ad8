import {
  equalJson,
  isJsonObject,
  type Json,
  type JsonObject,
  type MutableJsonObject,
  setKey,
} from '@flotilla/core/json/json'
import type { TemplateEngine } from '../engines/engine.ts'
import { type Failure, failureOf, TemplateError } from '../failure.ts'
import type { Parameters } from '../inputs.ts'
import { LIMITS } from '../limits.ts'
import { distinct, underName } from './child.ts'
import { choiceOf } from './choice.ts'
import { overlay } from './combine.ts'
import { type GeneratorContext, invalidGenerator } from './generator.ts'
import { type KeyReader, keyReader, rowKey } from './row-key.ts'

/** `inner`: a set needs a partner in every generator. `full`: sets without one in the first come too, last. */
const JOINS = ['left', 'inner', 'full'] as const
/** Which generator's value stands when two have one parameter with different values. */
const CONFLICTS = ['last', 'first', 'error'] as const

/** How a merge of ours pairs and combines parameter sets. */
export interface JoinPlan {
  readonly left: readonly KeyReader[]
  readonly right: readonly KeyReader[]
  readonly join: (typeof JOINS)[number]
  readonly onConflict: (typeof CONFLICTS)[number]
}

/** Reads `mergeKeys`, `join` and `onConflict`; every mistake is said. */
export function readJoinPlan(
  body: JsonObject,
  context: GeneratorContext,
): JoinPlan | { readonly failures: readonly Failure[] } {
  const failures: Failure[] = []
  const readers = readSides(body['mergeKeys'] ?? [], failures).flatMap(({ left, right }) => {
    const first = compile(left, context, failures)
    // A mistake in a text that stands for both sides is said once.
    const other = right === left ? first : compile(right, context, failures)
    return first === undefined || other === undefined ? [] : [{ left: first, right: other }]
  })
  const join = choiceOf(body, 'join', JOINS, 'left')
  const onConflict = choiceOf(body, 'onConflict', CONFLICTS, 'last')
  if ('failure' in join) failures.push(join.failure)
  if ('failure' in onConflict) failures.push(onConflict.failure)
  if (failures.length > 0 || 'failure' in join || 'failure' in onConflict) return { failures }
  return {
    left: readers.map(({ left }) => left),
    right: readers.map(({ right }) => right),
    join: join.value,
    onConflict: onConflict.value,
  }
}

interface Side {
  readonly text: string
  readonly path: Failure['path']
}

interface Sides {
  readonly left: Side
  /** The very same as `left` where one text stands for both. */
  readonly right: Side
}

const FIELD = 'mergeKeys'

function readSides(written: Json, failures: Failure[]): readonly Sides[] {
  if (!Array.isArray(written)) {
    failures.push(invalidGenerator(`${FIELD} is a list`, [FIELD]))
    return []
  }
  if (written.length === 0) {
    const hint = 'name what is alike in sets that belong together: mergeKeys: [name]'
    failures.push(invalidGenerator('no merge keys were specified, Merge requires at least one', [FIELD], hint))
  }
  return written.flatMap((item: Json, index): Sides[] => {
    const path = [FIELD, index]
    if (typeof item === 'string') {
      const both: Side = { text: item, path }
      return [{ left: both, right: both }]
    }
    if (isJsonObject(item) && typeof item['left'] === 'string' && typeof item['right'] === 'string') {
      return [
        {
          left: { text: item['left'], path: [...path, 'left'] },
          right: { text: item['right'], path: [...path, 'right'] },
        },
      ]
    }
    failures.push(invalidGenerator(`${FIELD} holds texts and objects { left: text, right: text }`, path))
    return []
  })
}

function compile({ text, path }: Side, context: GeneratorContext, failures: Failure[]): KeyReader | undefined {
  try {
    return keyReader(text, context)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    failures.push(failureOf(error, path))
    return undefined
  }
}

/** The sets of one generator of a merge, in its order, without its name. */
export interface JoinSide {
  readonly name: string | undefined
  readonly sets: readonly Parameters[]
}

interface JoinRow {
  readonly key: string | undefined
  readonly parameters: Parameters
}

/**
 * Lays the sets of later generators over those of the first. `left` is compared in the sets of the first, `right` in
 * those of the others; the first may have many sets of one key, each of the others at most one. What comes out is in
 * the order of the first generator, then, of a full join, of the second, and so on.
 */
export function joinRows(
  [base, ...others]: readonly JoinSide[],
  plan: JoinPlan,
  engine: TemplateEngine,
): { readonly rows: readonly Parameters[] } | { readonly failures: readonly Failure[] } {
  const failures: Failure[] = []
  let rows = keyed(base!, 0, plan.left, failures).map(
    ({ key, parameters }): JoinRow => ({ key, parameters: underName(parameters, base!.name, engine) }),
  )
  for (const [index, side] of others.entries()) {
    const partners = byKey(keyed(side, index + 1, plan.right, failures), index + 1, failures)
    if (failures.length > 0) continue
    rows = joinOne(rows, partners, side, index + 1, plan, engine, failures)
    if (rows.length > LIMITS.parameterSets) {
      const message = `merge gives more than ${LIMITS.parameterSets} parameter sets`
      return { failures: [{ code: 'TOO_MANY_PARAMETERS', message, path: [] }] }
    }
  }
  if (failures.length > 0) return { failures: distinct(failures).slice(0, LIMITS.errorsPerGenerator) }
  return { rows: rows.map(({ parameters }) => parameters) }
}

/** Every set with its key. */
function keyed(
  { sets }: JoinSide,
  index: number,
  readers: readonly KeyReader[],
  failures: Failure[],
): readonly JoinRow[] {
  return sets.flatMap((parameters, element): JoinRow[] => {
    try {
      return [{ key: rowKey(readers, parameters), parameters }]
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      if (failures.length < LIMITS.errorsPerGenerator) {
        failures.push(failureOf(error.wrap(`set ${element} of generator ${index + 1}: `).at([]), [FIELD]))
      }
      return []
    }
  })
}

function byKey(
  rows: readonly JoinRow[],
  index: number,
  failures: Failure[],
): ReadonlyMap<string | undefined, readonly Parameters[]> {
  const found = new Map<string | undefined, Parameters[]>()
  for (const { key, parameters } of rows) {
    const before = found.get(key)
    if (before === undefined) found.set(key, [parameters])
    else before.push(parameters)
  }
  for (const [key, same] of found) {
    if (key === undefined || same.length === 1) continue
    if (failures.length >= LIMITS.errorsPerGenerator) break
    failures.push({
      code: 'MERGE_KEY_DUPLICATE',
      message: `${same.length} sets of generator ${index + 1} have the key ${key}: which of them is meant?`,
      hint: 'compare more, or leave sets out with a selector beside that generator',
      path: [FIELD],
    })
  }
  return found
}

function joinOne(
  rows: readonly JoinRow[],
  partners: ReadonlyMap<string | undefined, readonly Parameters[]>,
  { name }: JoinSide,
  index: number,
  plan: JoinPlan,
  engine: TemplateEngine,
  failures: Failure[],
): JoinRow[] {
  const used = new Set<string>()
  const joined = rows.flatMap(({ key, parameters }): JoinRow[] => {
    const partner = key === undefined ? undefined : partners.get(key)?.[0]
    if (key === undefined || partner === undefined) return plan.join === 'inner' ? [] : [{ key, parameters }]
    used.add(key)
    const over = underName(partner, name, engine)
    if (plan.onConflict === 'error') {
      for (const conflict of conflictsOf(parameters, over, [])) {
        if (failures.length >= LIMITS.errorsPerGenerator) break
        failures.push(conflictFailure(conflict, index))
      }
    }
    return [{ key, parameters: laidOver(parameters, over, plan, engine) }]
  })
  if (plan.join !== 'full') return joined
  for (const [key, same] of partners) {
    if (key !== undefined && used.has(key)) continue
    for (const parameters of same) joined.push({ key, parameters: underName(parameters, name, engine) })
  }
  return joined
}

function laidOver(before: Parameters, over: Parameters, { onConflict }: JoinPlan, engine: TemplateEngine): Parameters {
  const [under, above] = onConflict === 'first' ? [over, before] : [before, over]
  if (engine.shape === 'nested') return overlay(under, above)
  const result: MutableJsonObject = {}
  // The order of the names is the first generator's whoever wins.
  for (const key of [...Object.keys(before), ...Object.keys(over)]) {
    setKey(result, key, Object.hasOwn(above, key) ? above[key] : under[key])
  }
  return result
}

interface Conflict {
  readonly path: readonly string[]
  readonly first: Json
  readonly other: Json
}

function conflictsOf(before: JsonObject, over: JsonObject, path: readonly string[]): readonly Conflict[] {
  return Object.keys(over).flatMap((key): readonly Conflict[] => {
    if (!Object.hasOwn(before, key)) return []
    const [first, other] = [before[key] ?? null, over[key] ?? null]
    if (equalJson(first, other)) return []
    const at = [...path, key]
    return isJsonObject(first) && isJsonObject(other) ? conflictsOf(first, other, at) : [{ path: at, first, other }]
  })
}

function conflictFailure({ path, first, other }: Conflict, index: number): Failure {
  return {
    code: 'PARAMETER_CONFLICT',
    message: `parameter ${path.join('.')} is ${shown(first)} before and ${shown(other)} in generator ${index + 1}`,
    hint: 'onConflict: first or last decides; a name for one of the generators keeps both',
    path: ['onConflict'],
  }
}

function shown(value: Json): string {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
