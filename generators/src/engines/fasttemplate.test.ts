import type { JsonObject } from '@flotilla/core/json/json'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TemplateError } from '../failure.ts'
import { LIMITS } from '../limits.ts'
import { renderText } from './engine.ts'
import { fasttemplate } from './fasttemplate.ts'

const render = (template: string, parameters: JsonObject): string =>
  renderText(fasttemplate, template, parameters, { remaining: 1e6 })

describe('fasttemplate', () => {
  const table: { [sentence: string]: [string, JsonObject, string] } = {
    'a tag becomes its parameter': ['a-{{b}}-c', { b: 'x' }, 'a-x-c'],
    'white space around the name does not count': ['{{ \t b\n }}{{ b }}', { b: 'x' }, 'xx'],
    'every tag is replaced': ['{{a}}{{b}}{{a}}', { a: '1', b: '2' }, '121'],
    'a tag without a parameter stays as written': ['{{ nme }}', { name: 'x' }, '{{ nme }}'],
    'so does one whose parameter is no text': [
      '{{n}} {{l}} {{o}} {{z}}',
      { n: 1, l: [], o: {}, z: null },
      '{{n}} {{l}} {{o}} {{z}}',
    ],
    'an empty tag stays': ['{{}}{{ }}', { '': 'x', ' ': 'y' }, '{{}}{{ }}'],
    'an empty text is a text': ['a{{b}}c', { b: '' }, 'ac'],
    'names may hold any characters': [
      '{{metadata.labels.a/b}}{{path[0]}}',
      { 'metadata.labels.a/b': '1', 'path[0]': '2' },
      '12',
    ],
    'what was put in is not looked at again': ['{{a}}', { a: '{{b}}', b: 'x' }, '{{b}}'],
    'three braces: the third belongs to the name': ['{{{a}}}', { a: 'x', '{a': 'y' }, 'y}'],
    'a tag may begin on one line and end on another when some line holds a whole one': [
      '{{x}} {{a\n}}',
      { a: '1', x: '2' },
      '2 1',
    ],
    'without a whole tag on one line nothing is a template': ['{{a\n}}', { a: 'x' }, '{{a\n}}'],
    'so an open brace alone is text': ['a {{ b', {}, 'a {{ b'],
    'the parameters of the prototype are none': [
      '{{constructor}}{{__proto__}}{{toString}}',
      {},
      '{{constructor}}{{__proto__}}{{toString}}',
    ],
    'own parameters of such names are': ['{{constructor}}', { constructor: 'x' }, 'x'],
  }
  for (const [sentence, [template, parameters, expected]] of Object.entries(table)) {
    test(sentence, () => expect(render(template, parameters)).toBe(expected))
  }

  test('a tag without an end is an error that shows where', () => {
    expect(() => render('{{a}} {{"b\n', { a: 'x' })).toThrow(
      new TemplateError(
        'TEMPLATE_INVALID',
        'invalid template: Cannot find end tag="}}" in the template="{{a}} {{\\"b\\n" starting from "\\"b\\n"',
      ),
    )
  })
  test('a text that grows too long is an error', () => {
    const parameters = { a: 'x'.repeat(LIMITS.renderedText / 2) }
    expect(render('{{a}}', parameters)).toHaveLength(LIMITS.renderedText / 2)
    expect(() => render('{{a}}{{a}}{{a}}', parameters)).toThrow('a rendered text has more than')
  })
  test('so are many texts that grow too long together', () => {
    const meter = { remaining: 10 }
    expect(renderText(fasttemplate, '{{a}}', { a: '123456' }, meter)).toBe('123456')
    expect(() => renderText(fasttemplate, '{{a}}', { a: '123456' }, meter)).toThrow('the set renders to more than')
  })

  test('laws: texts without tags are unchanged, and replacing twice changes nothing more', () => {
    const plain = fc.string().filter(text => !/[{}]/.test(text))
    const parts = fc.array(fc.oneof(plain, fc.constantFrom('{{a}}', '{{ b }}', '{{c}}', '{{{a}}}')))
    fc.assert(
      fc.property(plain, parts, (text, pieces) => {
        expect(render(text, { a: 'b' })).toBe(text)
        const once = render(pieces.join(''), { a: '1', b: '2' })
        expect(render(once, { a: '1', b: '2' })).toBe(once)
      }),
    )
  })
})
