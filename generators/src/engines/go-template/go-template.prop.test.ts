import { cloneJson, type JsonObject } from '@flotilla/core/json/json'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TemplateError } from '../../failure.ts'
import { LIMITS } from '../../limits.ts'
import { renderText } from '../engine.ts'
import { engineFunctions } from './engine-functions.ts'
import { createGoTemplate } from './go-template.ts'

/** Cases of each law; a nightly run takes many more (README.md). */
const CASES = Number(process.env['FLOTILLA_FUZZ_CASES'] ?? 2_000)
const TIME_LIMIT = 30 * 60_000
/** Keys take seconds to make, and passwords are slow on purpose: they have tests of their own. */
const SLOW = /^(gen|bcrypt|htpasswd|derivePassword|buildCustomCert|encryptAES|decryptAES)/
const FUNCTIONS = [...engineFunctions('go').keys()].filter(name => !SLOW.test(name))

const PARAMETERS: JsonObject = {
  s: 'text',
  n: 3,
  x: 1.5,
  t: true,
  none: null,
  l: ['a', 1, null, ['b']],
  m: { a: '1', b: { c: [1, 2] } },
  big: 2n ** 60n,
}

/** Renders, and checks what holds of every outcome: a text within its bound, or an error with a code of ours. */
function check(template: string): string | undefined {
  const before = cloneJson(PARAMETERS)
  try {
    const output = renderText(createGoTemplate({}), template, PARAMETERS, { remaining: 1e9 })
    expect(output.length).toBeLessThanOrEqual(LIMITS.renderedText)
    return output
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    expect(error.code).toMatch(/^(TEMPLATE_INVALID|TEMPLATE_FAILED|TEMPLATE_TOO_COMPLEX|OUTPUT_TOO_LARGE)$/)
    expect(error.message).not.toMatch(/Cannot read propert|is not a function|is not iterable|undefined is not/)
    return undefined
  } finally {
    expect(PARAMETERS).toEqual(before)
  }
}

const literal = fc.constantFrom(
  '1',
  '-2',
  '0',
  '3.5',
  '"a,b"',
  '`r`',
  "'c'",
  'true',
  'nil',
  '""',
  '99999999999',
  '"%d"',
)
const reference = fc.constantFrom(
  '.',
  '$',
  '.s',
  '.n',
  '.x',
  '.t',
  '.none',
  '.l',
  '.m',
  '.m.b.c',
  '.big',
  '.nope',
  '.s.y',
)
const { pipeline } = fc.letrec<{ readonly pipeline: string; readonly operand: string }>(tie => ({
  operand: fc.oneof(
    { depthSize: 'small' },
    literal,
    reference,
    tie('pipeline').map(text => `(${text})`),
  ),
  pipeline: fc
    .array(fc.tuple(fc.constantFrom(...FUNCTIONS), fc.array(tie('operand'), { maxLength: 4 })), {
      minLength: 1,
      maxLength: 3,
    })
    .map(commands => commands.map(([name, operands]) => [name, ...operands].join(' ')).join(' | ')),
}))
const { body } = fc.letrec<{ readonly body: string; readonly statement: string }>(tie => ({
  body: fc.array(tie('statement'), { maxLength: 4 }).map(parts => parts.join('')),
  statement: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('text', ' \n', '{{ break }}', '{{ $v }}', '{{ template "t" . }}', '{{/* c */}}'),
    pipeline.map(text => `{{ ${text} }}`),
    reference.map(text => `{{- ${text} -}}`),
    fc.tuple(pipeline, tie('body'), tie('body')).map(([text, a, b]) => `{{ if ${text} }}${a}{{ else }}${b}{{ end }}`),
    fc.tuple(reference, tie('body')).map(([text, a]) => `{{ range $k, $v := ${text} }}${a}{{ end }}`),
    fc.tuple(pipeline, tie('body')).map(([text, a]) => `{{ with $v := ${text} }}${a}{{ end }}`),
    fc.tuple(tie('body')).map(([a]) => `{{ define "t" }}${a}{{ end }}`),
  ),
}))

const WORDS = [
  ...[
    '{{',
    '}}',
    '{{-',
    '-}}',
    ' ',
    '\n',
    '(',
    ')',
    '|',
    ':=',
    '=',
    ',',
    '.',
    '.a',
    '$',
    '$x',
    '"',
    '`',
    "'",
    '/*',
    '*/',
  ],
  ...[
    'if',
    'else',
    'end',
    'range',
    'with',
    'define',
    'template',
    'block',
    'break',
    'continue',
    'nil',
    'true',
    '0x',
    '1',
  ],
  ...['"t"', '1.5e', 'é', '\\', '\u0000', '{{end}}', '{{if .}}', '{{range .l}}', '-', '+', 'printf', 'index', 'upper'],
]

describe('whatever the template', () => {
  const laws = {
    'bytes at random': fc.string({ unit: 'binary', maxLength: 200 }).map(text => `{{${text}`),
    'words at random': fc.array(fc.constantFrom(...WORDS), { maxLength: 40 }).map(words => words.join('')),
    'words in an action': fc
      .array(fc.constantFrom(...WORDS), { maxLength: 12 })
      .map(words => `{{ ${words.join(' ')} }}`),
    'calls of every function with what does not fit': pipeline.map(text => `{{ ${text} }}`),
    'whole templates at random': body,
  }
  test.each(Object.entries(laws))(
    '%s end in a text or an error of ours',
    (_, templates) => {
      fc.assert(
        fc.property(templates, template => {
          check(template)
        }),
        { numRuns: CASES },
      )
    },
    TIME_LIMIT,
  )

  test(
    'texts without tags are unchanged, also between tags',
    () => {
      const plain = fc.string({ unit: 'grapheme' }).filter(text => !/[{}]/.test(text))
      fc.assert(
        fc.property(plain, plain, (a, b) => {
          expect(check(a)).toBe(a)
          expect(check(`${a}{{ .s }}${b}`)).toBe(`${a}text${b}`)
        }),
        { numRuns: CASES },
      )
    },
    TIME_LIMIT,
  )
  test(
    'any text survives being quoted as a literal',
    () => {
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme' }), text => {
          const quoted = renderText(createGoTemplate({}), '{{ printf "%q" .s }}', { s: text }, { remaining: 1e9 })
          expect(renderText(createGoTemplate({}), `{{ ${quoted} }}`, {}, { remaining: 1e9 })).toBe(text)
        }),
        { numRuns: CASES },
      )
    },
    TIME_LIMIT,
  )
})
