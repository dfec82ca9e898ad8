import fc from 'fast-check'
import { dump } from 'js-yaml'
import { expect, test } from 'vitest'
import { equalJson, type Json } from '../json/json.ts'
import { parseYamlDocuments } from './parse-yaml.ts'

const json = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noDefaultInfinity: true, noNaN: true }).map(number => (Object.is(number, -0) ? 0 : number)),
    fc.string(),
    fc.constantFrom('y', 'on', '010', '1_000', '12:30:45', '2026-11-21', '~', '<<', '0x1', '.5', '---', '- a', '{{a}}'),
    fc.array(tie('value') as fc.Arbitrary<Json>, { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value') as fc.Arbitrary<Json>, { maxKeys: 4, noNullPrototype: true }),
  ) as fc.Arbitrary<Json>,
})).value

test('what is written as JSON is read back, whatever it holds', () => {
  fc.assert(
    fc.property(json, value => {
      fc.pre(value !== null)
      const { documents, diagnostics } = parseYamlDocuments(JSON.stringify(value), { file: 'f' })
      expect(diagnostics).toEqual([])
      expect(equalJson(documents[0]!.value, value)).toBe(true)
    }),
  )
})

test('what is dumped as YAML is read back', () => {
  fc.assert(
    fc.property(json, value => {
      fc.pre(value !== null)
      const { documents, diagnostics } = parseYamlDocuments(dump(value, { noRefs: true }), { file: 'f' })
      expect(diagnostics).toEqual([])
      expect(equalJson(documents[0]!.value, value)).toBe(true)
    }),
  )
})

test('no text makes it throw, and a broken neighbour changes nothing', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc
      .array(
        fc.constantFrom(
          'a',
          ':',
          ' ',
          '\n',
          '- ',
          '---\n',
          '...\n',
          '&a ',
          '*a',
          '{',
          '}',
          '[',
          ']',
          '"',
          '|\n',
          '<<',
          '%',
        ),
      )
      .map(parts => parts.join('')),
  )
  fc.assert(
    fc.property(text, noise => {
      const alone = parseYamlDocuments(noise, { file: 'f' })
      const after = parseYamlDocuments(`sound: 1\n---\n${noise}`, { file: 'f' })
      expect(after.documents[0]?.value).toEqual({ sound: 1 })
      for (const document of alone.documents) {
        expect(document.positionOf(['a', 0, 'a']).line).toBeGreaterThan(0)
        const again = parseYamlDocuments(document.text, { file: 'f', startLine: document.startLine })
        expect(again.documents.map(other => other.value)).toEqual([document.value])
      }
    }),
    { numRuns: 500 },
  )
})
