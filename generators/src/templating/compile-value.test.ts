import type { Json } from '@flotilla/core/json/json'
import { describe, expect, test } from 'vitest'
import { fasttemplate } from '../engines/fasttemplate.ts'
import { TemplateError } from '../failure.ts'
import { compileValue } from './compile-value.ts'

const render = (value: Json, parameters: { readonly [key: string]: Json } = { a: 'x', b: 'y' }): Json =>
  compileValue(value, fasttemplate).render(parameters, { remaining: 1e6 })

describe('compileValue', () => {
  const table: { [sentence: string]: [Json, Json] } = {
    'every text is a template, however deep': [{ p: [{ q: '{{a}}' }, '{{b}}'] }, { p: [{ q: 'x' }, 'y'] }],
    'keys are templates too': [{ '{{a}}-key': 1 }, { 'x-key': 1 }],
    'of two keys that become one the later wins': [{ '{{a}}': 1, x: 2 }, { x: 2 }],
    'members that are null are left out': [{ p: null, q: { r: null } }, { q: {} }],
    'list items that are null stay': [{ p: [null, '{{a}}'] }, { p: [null, 'x'] }],
    'numbers and booleans are copied': [
      { p: 1, q: true, r: 12345678901234567890n },
      { p: 1, q: true, r: 12345678901234567890n },
    ],
    'a number in quotes stays a text': [{ p: '{{n}}' }, { p: '{{n}}' }],
  }
  for (const [sentence, [value, expected]] of Object.entries(table)) {
    test(sentence, () => expect(render(value)).toEqual(expected))
  }
  test('what holds no template is made once', () => {
    const compiled = compileValue({ p: { q: 'r' } }, fasttemplate)
    const meter = { remaining: 1e6 }
    expect(compiled.render({ a: 'x' }, meter)).toBe(compiled.render({ a: 'y' }, meter))
  })
  test('an error says where in the template', () => {
    const failing = (): Json => render({ p: [{ q: '{{a}}{{' }] })
    expect(failing).toThrow(TemplateError)
    expect(failing).toThrow(expect.objectContaining({ code: 'TEMPLATE_INVALID', path: ['p', 0, 'q'] }))
  })
  test('a template that is never rendered may be broken', () => {
    expect(() => compileValue({ p: '{{a}}{{' }, fasttemplate)).not.toThrow()
  })
  test('a key __proto__ is a key, however it comes about', () => {
    const rendered = render({ '{{k}}': { polluted: true } }, { k: '__proto__' }) as object
    expect(Object.keys(rendered)).toEqual(['__proto__'])
    expect((rendered as { polluted?: boolean }).polluted).toBeUndefined()
  })
  test('nesting without end is an error, not a crash', () => {
    let value: Json = '{{a}}'
    for (let level = 0; level < 5000; level++) value = [value]
    expect(() => render(value)).toThrow('more than 100 levels of objects and lists')
  })
})
