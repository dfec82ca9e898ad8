import { cloneJson, type JsonObject, jsonObject } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { TemplateError } from '../../failure.ts'
import { LIMITS } from '../../limits.ts'
import { renderText } from '../engine.ts'
import { nonRepeatableFunctions } from './compile-template.ts'
import { createGoTemplate, type GoTemplateParts } from './go-template.ts'

function render(template: string, parameters: JsonObject = {}, parts: GoTemplateParts = {}): string {
  return renderText(createGoTemplate(parts), template, parameters, { remaining: 1e9 })
}

function errorOf(run: () => unknown): TemplateError {
  try {
    run()
  } catch (error) {
    if (error instanceof TemplateError) return error
    throw error
  }
  throw new Error('there was no error')
}

describe('errors', () => {
  test('say the template, the line, the column and the expression', () => {
    const error = errorOf(() => render('a\n  {{ .metadata.labels.env }}', { metadata: { labels: 'x' } }))
    expect(error.code).toBe('TEMPLATE_FAILED')
    expect(error.message).toBe(
      'failed to execute go template a\n  {{ .metadata.labels.env }}: template: base:2:14: executing "base" at ' +
        "<.metadata.labels.env>: can't evaluate field env in type interface {}",
    )
  })
  test('of the text itself have a code of their own', () => {
    const error = errorOf(() => createGoTemplate({}).compile('\n{{ .a | nosuch }}'))
    expect(error.code).toBe('TEMPLATE_INVALID')
    expect(error.message).toBe(
      'failed to parse template \n{{ .a | nosuch }}: template: base:2: function "nosuch" not defined',
    )
  })
  test('for a missing key name those that there are', () => {
    const error = errorOf(() => render('{{ .nme }}', { name: 'a', env: 'b' }, { options: ['missingkey=error'] }))
    expect(error.message).toContain('map has no entry for key "nme"')
    expect(error.hint).toBe('there are name, env')
  })
  test('for a number from a file say how it becomes an integer', () => {
    const error = errorOf(() => render('{{ "abcdef" | trunc .n }}', { n: 3 }))
    expect(error.message).toContain('wrong type for value; expected int; got float64')
    expect(error.hint).toBe('numbers of parameters are float64: int makes an integer of them')
  })
  test('repeat a very long template only in part', () => {
    const error = errorOf(() => render(`${'x'.repeat(50_000)}{{ .a.b }}`, { a: 'x' }))
    expect(error.message.length).toBeLessThan(11_000)
    expect(error.message).toContain('base:1:50005')
  })
  test('an unknown option is refused with its place', () => {
    const error = errorOf(() => createGoTemplate({ options: ['missingkey=error', 'x'] }))
    expect(error).toMatchObject({ code: 'TEMPLATE_OPTION_UNKNOWN', path: ['goTemplateOptions', 1] })
    expect(error.message).toBe('unrecognized option: x')
  })
})

describe('parameters', () => {
  test('are never changed, whatever a template does to them', () => {
    const parameters: JsonObject = { m: { a: '1', deep: { b: ['x'] } } }
    const before = cloneJson(parameters)
    const template = '{{ $_ := set .m "a" "2" }}{{ $_ := set .m.deep "c" "3" }}{{ $_ := unset .m "deep" }}{{ .m }}'
    expect(render(template, parameters)).toBe('map[a:2]')
    expect(render(template, parameters)).toBe('map[a:2]')
    expect(parameters).toEqual(before)
  })
  test('have own keys only', () => {
    expect(render('{{ .constructor }}{{ .__proto__ }}{{ .m.toString }}', { m: {} })).toBe('<no value>'.repeat(3))
    expect(render('{{ index .m "constructor" }}{{ range $k, $v := .m }}{{ $k }}{{ end }}', { m: {} })).toBe(
      '<no value>',
    )
    const own = jsonObject([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ])
    expect(render('{{ .__proto__ }}{{ .constructor }}', own)).toBe('pc')
    expect(errorOf(() => render('{{ .s.length }}', { s: 'abc' })).message).toContain("can't evaluate field length")
    expect(errorOf(() => render('{{ .l.length }}', { l: [1] })).message).toContain("can't evaluate field length")
  })
  test('hold large integers as Argo CD does, or whole', () => {
    const parameters = { id: 123456789012345678n, list: [2n ** 60n] }
    expect(render('{{ .id }} {{ .list }}', parameters)).toBe('1.2345678901234568e+17 [1.152921504606847e+18]')
    expect(render('{{ .id }} {{ .list }}', parameters, { numbers: 'plain' })).toBe(
      '123456789012345678 [1152921504606846976]',
    )
  })
  test('print integers plainly where that is asked for', () => {
    const parameters = { n: 1234567, x: 1.5, l: [1e6, { a: 2e6 }] }
    const plain = (template: string): string => render(template, parameters, { numbers: 'plain' })
    const template = '{{ .n }} {{ .x }} {{ .l }} {{ print .n }} {{ printf "%v" .n }} {{ .n | toString }} {{ quote .n }}'
    expect(render(template, parameters)).toBe(
      '1.234567e+06 1.5 [1e+06 map[a:2e+06]] 1.234567e+06 1.234567e+06 1.234567e+06 "1.234567e+06"',
    )
    expect(plain(template)).toBe('1234567 1.5 [1000000 map[a:2000000]] 1234567 1234567 1234567 "1234567"')
    expect(plain('{{ join "," .l }} {{ toYaml .l }} {{ cat .n "x" }}')).toBe(
      '1000000,map[a:2000000] - 1000000\n- a: 2000000 1234567 x',
    )
  })
  test('keep their types where numbers print plainly', () => {
    const parameters = { n: 3 }
    expect(render('{{ typeOf .n }} {{ printf "%.2f" .n }}', parameters, { numbers: 'plain' })).toBe('float64 3.00')
  })
})

describe('preResolve', () => {
  const preResolve = (template: string, parameters: JsonObject, options: readonly string[] = []): string | undefined =>
    createGoTemplate({ options }).preResolve(template, parameters, { remaining: 1e9 })

  test('resolves what it can', () => expect(preResolve('{{ .a }}-x', { a: 'b' })).toBe('b-x'))
  test('leaves alone what has no tag', () => expect(preResolve('x', {})).toBe('x'))
  test('waits for a key that is not there yet, whatever the options say', () => {
    for (const options of [[], ['missingkey=zero'], ['missingkey=error']]) {
      expect(preResolve('{{ .a }}-{{ .b }}', { a: 'x' }, options)).toBeUndefined()
    }
  })
  test('waits for a field of what is something else now', () =>
    expect(preResolve('{{ .a.b }}', { a: 'x' })).toBeUndefined())
  test('any other error is one', () =>
    expect(errorOf(() => preResolve('{{ fail "no" }}', {})).message).toContain('error calling fail: no'))
})

describe('limits', () => {
  const hostile: { [sentence: string]: [string, string] } = {
    'a range over a huge number': ['{{ range 9223372036854775807 }}{{ end }}', 'TEMPLATE_TOO_COMPLEX'],
    'ranges inside one another': [
      '{{ range 1000 }}{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}{{ end }}',
      'TEMPLATE_TOO_COMPLEX',
    ],
    'a template that calls itself': [
      '{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}',
      'TEMPLATE_TOO_COMPLEX',
    ],
    'two templates that call each other twice': [
      '{{ define "a" }}{{ template "b" }}{{ template "b" }}{{ end }}{{ define "b" }}{{ template "a" }}{{ template "a" }}{{ end }}{{ template "a" }}',
      'TEMPLATE_TOO_COMPLEX',
    ],
    'parentheses inside one another': [`{{ ${'('.repeat(100_000)}1${')'.repeat(100_000)} }}`, 'TEMPLATE_TOO_COMPLEX'],
    'blocks inside one another': [
      `${'{{ if true }}'.repeat(50_000)}${'{{ end }}'.repeat(50_000)}`,
      'TEMPLATE_TOO_COMPLEX',
    ],
    'a chain of else if': [`{{ if false }}${'{{ else if false }}'.repeat(50_000)}{{ end }}`, 'TEMPLATE_TOO_COMPLEX'],
    'definitions inside one another': [
      `${'{{ block "x" . }}'.repeat(50_000)}${'{{ end }}'.repeat(50_000)}`,
      'TEMPLATE_TOO_COMPLEX',
    ],
    'a search among many variables, again and again': [
      `${'{{ $x := 1 }}'.repeat(15_000)}{{ range 100000 }}{{ $ }}{{ end }}`,
      'TEMPLATE_TOO_COMPLEX',
    ],
    'a number without end': [`{{ 0x${'f'.repeat(200_000)} }}`, 'TEMPLATE_INVALID'],
    'a template that is too long': ['{{ "x" }}'.repeat(200_000), 'TEMPLATE_TOO_COMPLEX'],
    'output without end': ['{{ range 999999 }}xxxxxxxxxx{{ end }}', 'OUTPUT_TOO_LARGE'],
    'a text that doubles': [
      '{{ $x := "xxxxxxxx" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}',
      'TEMPLATE_TOO_COMPLEX',
    ],
    'a small value that prints to a large text': [
      '{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ $x }}',
      'OUTPUT_TOO_LARGE',
    ],
    'a map inside itself': ['{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d }}', 'TEMPLATE_TOO_COMPLEX'],
    'many wide verbs': [`{{ printf \`${'%999999d'.repeat(1000)}\` 1 }}`, 'OUTPUT_TOO_LARGE'],
  }
  test.each(Object.entries(hostile))('%s stops', (_, [template, code]) => {
    expect(errorOf(() => render(template)).code).toBe(code)
  })

  test.each([
    '{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}\n {{ $x }}',
    '{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}\n {{ print $x | len }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}\n {{ $d }}',
    '{{ $d := dict }}{{ $_ := set $d "d" $d }}\n {{ toString $d | len }}',
  ])('%s says where it stops', template => {
    expect(errorOf(() => render(template)).message).toMatch(
      /: template: base:2:\d+: executing "base" at <.+>: a printed value /,
    )
  })

  test('what many renderings write counts together', () => {
    const engine = createGoTemplate({})
    const meter = { remaining: 10 }
    expect(renderText(engine, '{{ .a }}', { a: '123456' }, meter)).toBe('123456')
    expect(errorOf(() => renderText(engine, '{{ .a }}', { a: '123456' }, meter)).code).toBe('OUTPUT_TOO_LARGE')
  })
  test('so does what they work', () => {
    const engine = createGoTemplate({})
    const meter = { remaining: 1e9, steps: 1000 }
    const template = '{{ range 1000 }}{{ end }}'
    expect(renderText(engine, template, {}, meter)).toBe('')
    expect(errorOf(() => renderText(engine, template, {}, meter)).code).toBe('TEMPLATE_TOO_COMPLEX')
  })
  test('when that is used up, nothing more is worked at', () => {
    const engine = createGoTemplate({})
    const meter = { remaining: 1e9, steps: 1e6 }
    const before = { ...meter }
    const heavy = '{{ range 999999999 }}{{ end }}'
    expect(errorOf(() => renderText(engine, heavy, {}, meter)).code).toBe('TEMPLATE_TOO_COMPLEX')
    expect(errorOf(() => renderText(engine, heavy, {}, meter)).code).toBe('TEMPLATE_TOO_COMPLEX')
    const spent = before.steps - meter.steps
    expect(errorOf(() => renderText(engine, heavy, {}, meter)).code).toBe('TEMPLATE_TOO_COMPLEX')
    expect(before.steps - meter.steps).toBe(spent)
  })
  test('ten thousand usual texts use up nothing', () => {
    const engine = createGoTemplate({})
    const meter = { remaining: 1e9, steps: 10 }
    const template = '{{ range $k, $v := .m }}{{ $k | upper | quote }}: {{ $v | toJson | indent 2 }}{{ end }}'
    for (let count = 0; count < 10_000; count++)
      renderText(engine, template, { m: { a: '1', b: [1, 2], c: {} } }, meter)
    expect(meter.steps).toBe(10)
  })
  test('a text may be as long as the limit', () => {
    expect(render('{{ .a }}', { a: 'x'.repeat(LIMITS.renderedText) })).toHaveLength(LIMITS.renderedText)
  })
})

describe('what is not repeatable', () => {
  test('is found wherever it is called, also in what is defined', () => {
    expect(
      nonRepeatableFunctions('{{ define "t" }}{{ now }}{{ end }}{{ if false }}{{ uuidv4 | upper }}{{ end }}'),
    ).toEqual(['now', 'uuidv4'])
  })
  test('is nothing in other templates and in texts that are none', () => {
    for (const text of ['x', '{{ .now }}', '{{ now', '{{ upper "now" }}'])
      expect(nonRepeatableFunctions(text)).toEqual([])
  })
})
