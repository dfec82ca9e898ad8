import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import type { Json, JsonObject } from '../../json/json.ts'

/**
 * What a stranger might send instead of a good message: a good one that was changed where it hurts, or noise. For the
 * laws of every decoder.
 */

/** How many cases each law is held against: 2,000, and a hundred thousand by night. */
export const FUZZ_CASES = Number(process.env['FLOTILLA_FUZZ_CASES'] ?? 2_000)

const AWKWARD: readonly Json[] = [
  null,
  true,
  '',
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER,
  12345678901234567890n as unknown as Json,
  [],
  {},
  [[[[]]]],
  '\u0000',
  '\ud800',
  '__proto__',
  '../../etc/passwd',
  'a'.repeat(5000),
  Array.from({ length: 300 }, () => 0),
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toString":null}') as Json,
]

interface Change {
  readonly path: readonly number[]
  readonly how: 'replace' | 'drop' | 'add' | 'repeat' | 'nest' | 'rename'
  readonly awkward: number
  readonly json: Json
}

const change: fc.Arbitrary<Change> = fc.record({
  path: fc.array(fc.nat(20), { maxLength: 5 }),
  how: fc.constantFrom('replace', 'drop', 'add', 'repeat', 'nest', 'rename'),
  awkward: fc.nat(AWKWARD.length * 2),
  json: fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
})

/** Good JSON with one to three changes somewhere inside: a field gone, of another type, repeated, nested too deep. */
export function hostileJson(good: fc.Arbitrary<unknown>): fc.Arbitrary<Json> {
  return fc
    .tuple(good, fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([value, changes]) => changes.reduce((json, each) => changed(json, each, 0), value as Json))
}

function changed(value: Json, change: Change, depth: number): Json {
  const step = change.path[depth]
  const children = Array.isArray(value) ? value.length : isMap(value) ? Object.keys(value).length : 0
  if (step !== undefined && children > 0) {
    const index = step % children
    if (Array.isArray(value)) {
      return value.map((item: Json, at) => (at === index ? changed(item, change, depth + 1) : item))
    }
    const entries = Object.entries(value as JsonObject)
    return Object.fromEntries(
      entries.map(([key, item], at) => [key, at === index ? changed(item as Json, change, depth + 1) : (item as Json)]),
    )
  }
  return here(value, change)
}

function here(value: Json, { how, awkward, json }: Change): Json {
  const other = AWKWARD[awkward] ?? json
  switch (how) {
    case 'replace':
      return other
    case 'drop':
      if (Array.isArray(value)) return value.slice(1)
      return isMap(value) ? Object.fromEntries(Object.entries(value).slice(1)) : other
    case 'add':
      if (Array.isArray(value)) return [...value, other]
      return isMap(value) ? { ...value, more: other } : other
    case 'repeat':
      if (Array.isArray(value) && partsOf(value) < MOST_REPEATED) return Array.from({ length: 50 }, () => value).flat(1)
      return [value, value]
    case 'nest': {
      let nested: Json = value
      for (let depth = 0; depth < 70; depth++) nested = depth % 2 === 0 ? [nested] : { x: nested }
      return nested
    }
    case 'rename':
      return isMap(value)
        ? Object.fromEntries(Object.entries(value).map(([key, item], at) => [at === 0 ? `${key}x` : key, item]))
        : other
  }
}

/**
 * What is repeated fifty times has fewer parts than this. Three repetitions on top of each other would be a message of
 * tens of megabytes, which takes seconds to read, and an hour to make smaller when it fails.
 */
const MOST_REPEATED = 500

function partsOf(value: Json): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, part) => sum + partsOf(part as Json), 1)
}

function isMap(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Good text with a few letters changed, cut, doubled or joined to itself: nearer to what a reader expects than noise. */
export function hostileText(good: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edits = fc.array(fc.tuple(fc.nat(), fc.string({ unit: 'binary', maxLength: 3 }), fc.nat(3)), { maxLength: 4 })
  return fc.tuple(good, edits, fc.nat(9), fc.nat()).map(([text, list, whole, at]) => {
    let result = text
    for (const [place, replacement, removed] of list) {
      const index = place % (result.length + 1)
      result = result.slice(0, index) + replacement + result.slice(index + removed)
    }
    if (whole === 0) return result.slice(0, at % (result.length + 1))
    if (whole === 1) return result + result
    return whole === 2 ? `${result}\n${result.slice(at % (result.length + 1))}` : result
  })
}

/** The same for bytes: any byte may become any other, so text may stop being UTF-8. */
export function hostileBytes(good: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 })
  return fc.tuple(good, edits, fc.nat(5), fc.nat()).map(([bytes, list, whole, at]) => {
    const result = Uint8Array.from(bytes)
    for (const [place, byte] of list) if (result.length > 0) result[place % result.length] = byte
    return whole === 0 ? result.slice(0, at % (result.length + 1)) : result
  })
}

/** Text that is JSON, almost, or not at all. */
export const noise: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc.nat(200).map(depth => '['.repeat(depth * 500)),
  fc.nat(200).map(depth => '{"a":'.repeat(depth)),
  fc.constantFrom('', '.', '..', '"', '{', '[1,', 'null', '\ufeff{}', '{"kind":"__proto__"}', '1e400', '-0', '\u2028'),
)

/** Processor time that no answer to a message of this size may need: a hundred times what the slowest does need. */
const MOST_CPU_MICROSECONDS = 2_000_000

/** Does the work, and fails when it has used more of the processor than any message is worth. Waiting does not count. */
export function quickly<T>(work: () => T): T {
  const before = process.threadCpuUsage()
  const result = work()
  const { user, system } = process.threadCpuUsage(before)
  assert(user + system < MOST_CPU_MICROSECONDS, `took ${(user + system) / 1000} ms of processor time`)
  return result
}
