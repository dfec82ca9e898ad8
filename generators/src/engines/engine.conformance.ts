import type { Json, JsonObject } from '@flotilla/core/json/json'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TemplateError } from '../failure.ts'
import { LIMITS } from '../limits.ts'
import { type OutputMeter, renderText, type TemplateEngine } from './engine.ts'

/** How an engine writes what every engine can say. */
export interface EngineDialect {
  create(): TemplateEngine
  /** A template that prints the parameter at a path. */
  print(...path: readonly string[]): string
  /** The parameters in the engine's shape. */
  parameters(nested: JsonObject): JsonObject
  /** What a reference to nothing gives, or the code of its error. */
  readonly missing: { readonly text: string } | { readonly code: string }
  /** A text that is no template, on its second line. */
  readonly broken: string
  /** What its error says about the place. */
  readonly brokenPlace: RegExp
  /** Templates that would work for ever, or take all memory; `l` is a list of 1,000, `t` a text of 100,000. */
  readonly hostile: { readonly [sentence: string]: string }
  /** Pieces that templates of this engine are made of, for templates that nobody would write. */
  readonly pieces: readonly string[]
}

/** How many templates of chance each engine is given; 100,000 at night. */
const CASES = Number(process.env['FLOTILLA_FUZZ_CASES'] ?? 2_000)

/** What a template must not get hold of, in any engine. */
const INHERITED = ['constructor', '__proto__', 'toString', 'hasOwnProperty', '__defineGetter__', 'valueOf']

const OUTCOMES = { rendered: 'rendered', refused: 'refused' } as const

/** What every template engine must do alike. Call it inside a test file. */
export function engineConformance(name: string, dialect: EngineDialect): void {
  const meter = (): OutputMeter => ({ remaining: LIMITS.renderedSet, steps: LIMITS.stepsOfSet })
  const render = (template: string, nested: JsonObject, budget = meter()): string =>
    renderText(dialect.create(), template, dialect.parameters(nested), budget)
  const codeOf = (work: () => unknown): string => {
    try {
      work()
    } catch (error) {
      if (error instanceof TemplateError) return error.code
      throw error
    }
    return OUTCOMES.rendered
  }

  describe(`${name} does what every engine does`, () => {
    test('a text without braces is itself, and known to be constant', () => {
      for (const text of ['', 'web', 'a\nb\n', '}}', '$ % \\ "', 'ü🚀']) {
        expect(dialect.create().compile(text)).toBe(text)
      }
    })
    test('a parameter is put in, and what was put in is not looked at again', () => {
      const template = `a-${dialect.print('x')}-${dialect.print('x')}`
      const inner = dialect.print('y')
      expect(render(template, { x: inner, y: 'no' })).toBe(`a-${inner}-${inner}`)
    })
    test('nothing is escaped', () => {
      const text = `<&>"'\\ \t ü🚀`
      expect(render(dialect.print('x'), { x: text })).toBe(text)
    })
    test('a reference to nothing', () => {
      const template = dialect.print('nope')
      if ('code' in dialect.missing) expect(codeOf(() => render(template, { x: '1' }))).toBe(dialect.missing.code)
      else expect(render(template, { x: '1' })).toBe(dialect.missing.text)
    })
    test('what JavaScript gives every object is no parameter', () => {
      const parameters = { x: 'text', o: { y: 'text' } }
      const empty = codeOrText(() => render(dialect.print('o', 'nope'), parameters))
      for (const key of INHERITED) {
        const outcome = codeOrText(() => render(dialect.print('o', key), parameters))
        expect(outcome.replaceAll(key, 'nope')).toBe(empty)
      }
    })
    test('an own parameter of such a name is one', () => {
      const own = JSON.parse('{"constructor": "a", "__proto__": "b", "toString": "c"}') as JsonObject
      for (const key of Object.keys(own)) expect(render(dialect.print('o', key), { o: own })).toBe(own[key])
    })
    test('integers keep every digit', () => {
      expect(render(dialect.print('n'), { n: 1234567890123456789n })).toBe('1234567890123456789')
      expect(render(dialect.print('n'), { n: 9007199254740993n })).toBe('9007199254740993')
    })
    test('a mistake in the template says where', () => {
      expect(() => render(dialect.broken, { x: 'a' })).toThrow(dialect.brokenPlace)
      expect(codeOf(() => render(dialect.broken, { x: 'a' }))).toBe('TEMPLATE_INVALID')
    })
    test('a rendered text has a bound', () => {
      const x = 'x'.repeat(LIMITS.renderedText / 2)
      const tag = dialect.print('x')
      expect(render(tag, { x })).toHaveLength(LIMITS.renderedText / 2)
      expect(codeOf(() => render(tag.repeat(3), { x }))).toBe('OUTPUT_TOO_LARGE')
    })
    test('so have all texts of a set together', () => {
      const budget = { remaining: 1_000, steps: LIMITS.stepsOfSet }
      const tag = dialect.print('x')
      expect(render(tag, { x: 'x'.repeat(600) }, budget)).toHaveLength(600)
      expect(codeOf(() => render(tag, { x: 'x'.repeat(600) }, budget))).toBe('OUTPUT_TOO_LARGE')
    })
    test('rendering never changes the parameters, and twice gives the same', () => {
      const parameters = dialect.parameters({ x: 'a', o: { y: ['b', { z: 1 }] } })
      const before = JSON.stringify(parameters)
      const compiled = dialect.create().compile(`${dialect.print('x')}-${dialect.print('x')}`)
      const run = () => (typeof compiled === 'string' ? compiled : compiled(deepFreeze(parameters), meter()))
      expect([run(), run()]).toEqual(['a-a', 'a-a'])
      expect(JSON.stringify(parameters)).toBe(before)
    })
    test('a value that is known already is resolved beforehand; another is left for later or to be seen', () => {
      const engine = dialect.create()
      expect(engine.preResolve(dialect.print('x'), dialect.parameters({ x: 'a' }), meter())).toBe('a')
      const later = engine.preResolve(dialect.print('nope'), dialect.parameters({ x: 'a' }), meter())
      expect([undefined, dialect.print('nope')]).toContain(later)
    })
    const parameters = { l: Array.from({ length: 1_000 }, (_, index) => index), t: 'a'.repeat(100_000), n: 1 }
    for (const [sentence, template] of Object.entries(dialect.hostile)) {
      test(`stops: ${sentence}`, () => {
        expect(codeOf(() => render(template, parameters))).not.toBe(OUTCOMES.rendered)
      })
    }
    test(`throws nothing but its own error, whatever the template (${CASES} cases)`, () => {
      const written = fc.array(fc.oneof(fc.constantFrom(...dialect.pieces), fc.string({ maxLength: 4 })), {
        maxLength: 24,
      })
      const bytes = fc.uint8Array({ maxLength: 60 }).map(array => String.fromCharCode(...array))
      const template = fc.oneof(
        { weight: 4, arbitrary: written.map(parts => parts.join('')) },
        { weight: 1, arbitrary: bytes },
      )
      const values = dialect.parameters({ a: 'x', n: 3, l: ['a', 1, null], o: { b: 'c', d: [] }, z: null, yes: true })
      const engine = dialect.create()
      fc.assert(
        fc.property(template, text => {
          const budget = { remaining: 1_000_000, steps: 1_000_000 }
          try {
            const result = renderText(engine, text, values, budget)
            return typeof result === 'string'
          } catch (error) {
            return error instanceof TemplateError && error.code !== '' && error.message !== ''
          }
        }),
        { numRuns: CASES },
      )
    })
  })
}

function codeOrText(work: () => string): string {
  try {
    return work()
  } catch (error) {
    if (error instanceof TemplateError) return `${error.code} ${error.message}`
    throw error
  }
}

function deepFreeze<Value extends Json>(value: Value): Value {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) deepFreeze(member as Json)
  return Object.freeze(value)
}
