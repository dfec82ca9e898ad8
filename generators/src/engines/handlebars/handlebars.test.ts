import type { JsonObject } from '@flotilla/core/json/json'
import fc from 'fast-check'
import Handlebars from 'handlebars'
import { describe, expect, test } from 'vitest'
import { TemplateError } from '../../failure.ts'
import { renderText } from '../engine.ts'
import { handlebars } from './handlebars.ts'

const parameters: JsonObject = {
  name: 'web',
  count: 3,
  zero: 0,
  ratio: 1.5,
  yes: true,
  no: false,
  nothing: null,
  empty: '',
  none: [],
  list: ['a', 'b'],
  items: [{ x: 1 }, { x: 2 }],
  map: { a: 1, b: { c: 'd' } },
  'a.b': 'dotted',
  first: 'a parameter',
  text: 'one\ntwo',
}

const render = (template: string, scope = parameters): string =>
  renderText(handlebars, template, scope, { remaining: 1e7, steps: 1e7 })

function failureOf(template: string): TemplateError {
  try {
    render(template)
  } catch (error) {
    if (error instanceof TemplateError) return error
    throw error
  }
  throw new Error(`${template} renders`)
}

const renders = (table: { readonly [sentence: string]: readonly [string, string] }): void => {
  for (const [sentence, [template, expected]] of Object.entries(table)) {
    test(sentence, () => expect(render(template)).toBe(expected))
  }
}

describe('values', () =>
  renders({
    'texts, numbers, true and false print': ['{{name}} {{count}} {{ratio}} {{yes}} {{zero}}', 'web 3 1.5 true 0'],
    'an empty text prints as nothing': ['[{{empty}}]', '[]'],
    'two braces and three are the same': ['{{{name}}}{{&name}}', 'webweb'],
    'members of maps and items of lists': ['{{map.b.c}} {{list.[1]}} {{items.[0].x}} {{list.length}}', 'd b 1 2'],
    'a name that is none': ['{{[a.b]}}', 'dotted'],
    'a parameter that has the name of a helper': ['{{first}} {{first list}}', 'a parameter a'],
    'braces that are meant': ['\\{{name}}', '{{name}}'],
    'comments say nothing': ['a{{! one }}{{!-- two }} --}}b', 'ab'],
    'a tilde eats white space': ['a {{~name~}} b', 'awebb'],
  }))

describe('blocks', () =>
  renders({
    'if and else': ['{{#if yes}}a{{else}}b{{/if}}{{#if no}}a{{else}}b{{/if}}', 'ab'],
    'else if': ['{{#if no}}a{{else if zero}}b{{else if count}}c{{else}}d{{/if}}', 'c'],
    'zero is false, or not': ['{{#if zero}}a{{/if}}{{#if zero includeZero=true}}b{{/if}}', 'b'],
    'an empty list is false, an empty map is not': ['{{#if none}}a{{/if}}{{#if map}}b{{/if}}', 'b'],
    unless: ['{{#unless no}}a{{else}}b{{/unless}}', 'a'],
    'each over a list': ['{{#each list}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}', '0a,1b'],
    'each over a map, in its order': ['{{#each map.b}}{{@key}}={{this}}{{/each}}', 'c=d'],
    'each over nothing': ['{{#each none}}a{{else}}b{{/each}}', 'b'],
    'names for what each gives': ['{{#each items as |item at|}}{{at}}{{item.x}}{{../name}} {{/each}}', '01web 12web '],
    'an outer loop': ['{{#each items}}{{#each @root.list}}{{@../index}}{{@index}} {{/each}}{{/each}}', '00 01 10 11 '],
    with: ['{{#with map.b}}{{c}}{{../name}}{{@root.count}}{{/with}}', 'dweb3'],
    'with a name': ['{{#with map.b as |inner|}}{{inner.c}}{{/with}}', 'd'],
    'with something empty': ['{{#with empty}}a{{else}}b{{/with}}', 'b'],
    'lines that hold a block alone leave no trace': ['a\n{{#if yes}}\n  b\n{{/if}}\nc', 'a\n  b\nc'],
  }))

describe('helpers', () =>
  renders({
    default: ['{{default nope nothing name}} {{default empty "x"}}|{{default map.z.y "d"}}', 'web |d'],
    exists: ['{{exists nope}} {{exists nothing}} {{exists empty}} {{exists map.b.c}}', 'false false true true'],
    required: ['{{required "give a name" name}}', 'web'],
    'eq and ne': ['{{eq count 3}} {{eq count "3"}} {{ne name "x"}} {{eq map map}}', 'true false true true'],
    order: ['{{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1.5 count}}', 'true true true false'],
    'and, or, not': [
      '{{and yes count}} {{and no nope}} {{or name nope}} {{or zero empty}} {{not none}}',
      'true false true false true',
    ],
    ternary: ['{{ternary (eq name "web") "a" nope}}', 'a'],
    'lower, upper, trim': ['{{lower "AB"}}{{upper "ab"}}[{{trim "  a "}}]', 'abAB[a]'],
    'replace, concat, truncate': [
      '{{replace "a.b.c" "." "-"}} {{concat name "-" count}} {{truncate 2 "ü🚀x"}}',
      'a-b-c web-3 ü🚀',
    ],
    'normalize and slugify': ['{{normalize "Feature_X"}} {{slugify "Größe/ändern"}}', 'feature-x grosse-andern'],
    'startsWith, endsWith, contains': [
      '{{startsWith name "w"}} {{endsWith name "w"}} {{contains name "e"}}',
      'true false true',
    ],
    'contains in lists and maps': [
      '{{contains list "b"}} {{contains map "a"}} {{contains map "z"}}',
      'true true false',
    ],
    'indent and nindent': ['{{indent 2 text}}|{{nindent 1 text}}', '  one\n  two|\n one\n two'],
    'join, split, first, last': [
      '{{join list "+"}} {{join (split "a,b" ",") "-"}} {{first list}} {{last list}}',
      'a+b a-b a b',
    ],
    'lookup, size, keys': [
      '{{lookup map "a"}} {{lookup list 0}} {{size list}}{{size "ü🚀"}} {{join (keys map) ","}}',
      '1 a 22 a,b',
    ],
    numbers: ['{{add 1 2 3}} {{sub 1 3}} {{mul 2 2.5}} {{div 7 2}} {{div 7.5 2}} {{mod 7 4}}', '6 -2 5 3 3.75 3'],
    'numbers of any size': [
      '{{mul 9007199254740991 1000}} {{toNumber "12345678901234567890"}}',
      '9007199254740991000 12345678901234567890',
    ],
    encodings: ['{{toJson map}} {{quote "a\\"b: c"}}', '{"a":1,"b":{"c":"d"}} "a\\"b: c"'],
    toYaml: ['{{toYaml map}}', 'a: 1\nb:\n  c: d'],
  }))

describe('mistakes', () => {
  const table: { readonly [sentence: string]: readonly [string, string, string] } = {
    'a missing parameter': [
      'a\n {{nope}}',
      'PARAMETER_MISSING',
      'there is no value for "nope", at 2:4 of the template',
    ],
    'a missing member': ['{{map.b.z}}', 'PARAMETER_MISSING', 'there is no value for "map.b.z", at 1:3 of the template'],
    null: ['{{nothing}}', 'PARAMETER_MISSING', '"nothing" is null, at 1:3 of the template'],
    'nothing in #if': [
      '{{#if nope}}{{/if}}',
      'PARAMETER_MISSING',
      'there is no value for "nope", at 1:7 of the template',
    ],
    'null in #each': ['{{#each nothing}}{{/each}}', 'PARAMETER_MISSING', '"nothing" is null, at 1:9 of the template'],
    'nothing in #with': [
      '{{#with nope}}{{/with}}',
      'PARAMETER_MISSING',
      'there is no value for "nope", at 1:9 of the template',
    ],
    'nothing as an argument': [
      '{{lower nope}}',
      'PARAMETER_MISSING',
      'there is no value for "nope", at 1:9 of the template',
    ],
    'nothing as an argument of an argument': [
      '{{default (lower nope) "x"}}',
      'PARAMETER_MISSING',
      'there is no value for "nope", at 1:18 of the template',
    ],
    'the first of nothing': [
      '{{first none}}',
      'PARAMETER_MISSING',
      'there is no value for "(first none)", at 1:1 of the template',
    ],
    'a context that there is not': [
      '{{../name}}',
      'PARAMETER_MISSING',
      'there is no value for "../name", at 1:3 of the template',
    ],
    'the length of a text': [
      '{{name.length}}',
      'PARAMETER_MISSING',
      'there is no value for "name.length", at 1:3 of the template',
    ],
    'what is required': ['{{required "give a tier" tier}}', 'PARAMETER_MISSING', 'give a tier, at 1:1 of the template'],
    'a list where a text belongs': [
      '{{list}}',
      'TEMPLATE_FAILED',
      '"list" is a list, which is no text, at 1:1 of the template',
    ],
    'each over a text': [
      '{{#each name}}{{/each}}',
      'TEMPLATE_FAILED',
      '{{#each}} goes through a list or a map, and "name" is a text, at 1:1 of the template',
    ],
    'an argument of the wrong type': [
      '{{lower list}}',
      'TEMPLATE_FAILED',
      'lower: list must be a text, and is a list, at 1:1 of the template',
    ],
    'an order that there is not': [
      '{{lt name 1}}',
      'TEMPLATE_FAILED',
      'lt: cannot compare a text with a number, at 1:1 of the template',
    ],
    'division by zero': ['{{div 1 zero}}', 'TEMPLATE_FAILED', 'div: division by zero, at 1:1 of the template'],
    'a helper that there is not': [
      '{{lowr name}}',
      'TEMPLATE_INVALID',
      'there is no helper "lowr", at 1:1 of the template',
    ],
    'one of the library': ['{{log name}}', 'TEMPLATE_INVALID', 'there is no helper "log", at 1:1 of the template'],
    'a block that there is not': [
      '{{#list}}{{/list}}',
      'TEMPLATE_INVALID',
      'there is no block "list", at 1:1 of the template',
    ],
    'a block without its #': ['{{if name}}', 'TEMPLATE_INVALID', '"if" is a block, at 1:1 of the template'],
    'too few arguments': [
      '{{replace name}}',
      'TEMPLATE_INVALID',
      'replace does not take 1 argument, at 1:1 of the template',
    ],
    'an option that there is not': [
      '{{lower name x=1}}',
      'TEMPLATE_INVALID',
      'there is no option "x" here, at 1:14 of the template',
    ],
    'a partial': ['{{> other}}', 'TEMPLATE_INVALID', 'there are no partials here, at 1:1 of the template'],
    'a block partial': [
      '{{#> other}}{{/other}}',
      'TEMPLATE_INVALID',
      'there are no partials here, at 1:1 of the template',
    ],
    'a decorator': ['{{* other}}', 'TEMPLATE_INVALID', 'there are no decorators here, at 1:1 of the template'],
    'an inline partial': [
      '{{#*inline "x"}}{{/inline}}',
      'TEMPLATE_INVALID',
      'there are no decorators here, at 1:1 of the template',
    ],
    'a raw block': [
      '{{{{raw}}}}{{x}}{{{{/raw}}}}',
      'TEMPLATE_INVALID',
      'there is no block "raw", at 1:1 of the template',
    ],
    'null that is written': [
      '{{eq name null}}',
      'TEMPLATE_INVALID',
      'null and undefined are no values here, at 1:11 of the template',
    ],
    'a literal in braces': ['{{"x"}}', 'TEMPLATE_INVALID', 'a literal needs no braces, at 1:1 of the template'],
    'loop data that there is not': ['{{@level}}', 'TEMPLATE_INVALID', 'there is no "@level", at 1:3 of the template'],
    'braces that never close': ['a\n{{name', 'TEMPLATE_INVALID', 'this cannot be read, at 2:3 of the template'],
    'a block that ends as another': [
      '{{#if yes}}{{/each}}',
      'TEMPLATE_INVALID',
      "if doesn't match each, at 1:4 of the template",
    ],
    'a comment that never ends': ['{{!-- a', 'TEMPLATE_INVALID', 'this cannot be read, at 1:1 of the template'],
  }
  for (const [sentence, [template, code, message]] of Object.entries(table)) {
    test(sentence, () => {
      const failure = failureOf(template)
      expect([failure.code, failure.message]).toEqual([code, message])
    })
  }
  test('hints say what there is and what to write', () => {
    expect(failureOf('{{nme}}').hint).toBe('did you mean "name"?')
    expect(failureOf('{{lowr name}}').hint).toBe('did you mean "lower"?')
    expect(failureOf('{{zzz}}').hint).toMatch(
      /^here are a\.b, count, .*; \(exists zzz\) asks, \(default zzz "…"\) has another/,
    )
    expect(failureOf('{{replace name}}').hint).toBe('write {{replace text old new}}')
  })
  test('a template that is no text is refused: a ready tree would bypass the grammar', () => {
    const tree = Handlebars.parse('{{name}}') as unknown as string
    expect(() => handlebars.compile(tree)).toThrow('a template is a text')
  })
  test('functions in the parameters are never called', () => {
    const scope = { f: () => 'called' } as unknown as JsonObject
    expect(() => render('{{f}}', scope)).toThrow(TemplateError)
  })
})

describe('beside the library', () => {
  const path = fc.constantFrom('name', 'count', 'map.a', 'map.b.c', 'this.name', './count', '[a.b]', '@root.name')
  const block = fc.letrec<{ readonly text: string }>(tie => ({
    text: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('a', ' ', '\n', '  b\n', '{{! c }}', '\\{{x}}'),
      path.map(name => `{{${name}}}`),
      path.map(name => `{{~${name}~}}`),
      fc.tuple(tie('text'), tie('text')).map(([a, b]) => a + b),
      fc
        .tuple(fc.constantFrom('yes', 'no', 'zero', 'list', 'none', 'empty'), tie('text'), tie('text'))
        .map(([name, a, b]) => `{{#if @root.${name}}}${a}{{else}}${b}{{/if}}`),
      fc
        .tuple(fc.constantFrom('yes', 'no'), tie('text'))
        .map(([name, a]) => `{{#unless @root.${name}}}\n${a}\n{{/unless}}\n`),
      fc
        .tuple(fc.constantFrom('items', 'none', 'map'), tie('text'))
        .map(
          ([name, a]) =>
            `{{#each @root.${name} as |v k|}}{{@index}}{{@key}}{{k}}{{@first}}{{#with @root}}${a}{{/with}}{{/each}}`,
        ),
      tie('text').map(a => `{{#with @root.map}}{{a}}{{b.c}}{{../name}}{{#with @root}}${a}{{/with}}{{/with}}`),
    ),
  })).text

  test('what both can say, both say alike', () => {
    fc.assert(
      fc.property(block, template => {
        let ours: string
        try {
          ours = render(template)
        } catch (error) {
          // Ours is the stricter of the two.
          return error instanceof TemplateError
        }
        const theirs = Handlebars.compile(template)
        expect(ours).toBe(theirs(parameters))
        return true
      }),
      { numRuns: 500 },
    )
  })
})
