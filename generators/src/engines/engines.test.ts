import type { JsonObject } from '@flotilla/core/json/json'
import { expect, test } from 'vitest'
import { flatten } from '../flatten.ts'
import { type EngineDialect, engineConformance } from './engine.conformance.ts'
import { ENGINES } from './registry.ts'

/** What of the common table is written differently in each engine. A new engine needs a row here. */
const DIALECTS: { readonly [name: string]: EngineDialect } = {
  fasttemplate: {
    create: () => ENGINES.get('fasttemplate')!.create([], undefined),
    print: (...path) => `{{${path.join('.')}}}`,
    parameters: nested => flatten(nested, 'plain'),
    missing: { text: '{{nope}}' },
    broken: 'a\n{{x}} {{"b',
    brokenPlace: /starting from "\\"b"/,
    hostile: { 'a text that repeats': '{{t}}'.repeat(20) },
    pieces: ['{{', '}}', 'a', '{{a}}', '{{ n }}', '\n', '"', '{{o.b}}', '{{{', '}}}'],
  },
  goTemplate: {
    create: () => ENGINES.get('goTemplate')!.create(['missingkey=error'], undefined, 'plain'),
    print: (...path) => `{{ ${path.length === 1 ? `.${path[0]}` : `index .${path[0]} ${JSON.stringify(path[1])}`} }}`,
    parameters: same,
    missing: { code: 'TEMPLATE_FAILED' },
    broken: 'a\n{{ .x',
    brokenPlace: /base:2: /,
    hostile: {
      'loops in loops': '{{ range $l := .l }}{{ range $.l }}{{ range $.l }}{{ end }}{{ end }}{{ end }}',
      'loops that print': '{{ range $l := .l }}{{ range $.l }}{{ $.t }}{{ end }}{{ end }}',
      'a template that calls itself': '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
      'a huge range': '{{ range until 1000000000 }}{{ end }}',
      'a text that repeats itself': '{{ repeat 1000000000 .t }}',
      'blocks in blocks': `${'{{ if .n }}'.repeat(5_000)}${'{{ end }}'.repeat(5_000)}`,
      'parentheses in parentheses': `{{ ${'('.repeat(20_000)}.n${')'.repeat(20_000)} }}`,
    },
    pieces: [
      ...[
        '{{',
        '}}',
        '{{-',
        '-}}',
        ' ',
        '.',
        '.a',
        '.l',
        '.o.b',
        '$',
        '|',
        '(',
        ')',
        '"x"',
        '`',
        '1',
        '1e9',
        ':=',
        '=',
      ],
      ...['if', 'else', 'end', 'range', 'with', 'define', 'template', 'block', 'break', 'nil', 'printf', '%v', 'len'],
      ...['index', 'toJson', 'regexMatch', 'repeat', 'until', 'default', 'slice', 'eq', ',', '/*', '*/', '\n'],
    ],
  },
  handlebars: {
    create: () => ENGINES.get('handlebars')!.create([], undefined),
    print: (...path) => `{{${path.map(step => `[${step}]`).join('.')}}}`,
    parameters: same,
    missing: { code: 'PARAMETER_MISSING' },
    broken: 'a\n{{x} }',
    brokenPlace: /at 2:4 of the template/,
    hostile: {
      'loops in loops': '{{#each l}}{{#each @root.l}}{{#each @root.l}}{{/each}}{{/each}}{{/each}}',
      'loops that print': '{{#each l}}{{#each @root.l}}{{@root.t}}{{/each}}{{/each}}',
      'loops that compare long texts':
        '{{#each l}}{{#each @root.l}}{{#if (eq @root.t @root.t)}}{{/if}}{{/each}}{{/each}}',
      'loops that encode': '{{#each l}}{{#each @root.l}}{{#if (size (toYaml @root.l))}}{{/if}}{{/each}}{{/each}}',
      'a text that grows': `{{size ${'(concat '.repeat(20)}t t${' t)'.repeat(20)}}}`,
      'a replacement that grows': '{{replace t "a" (replace t "a" "bbbbbbbbbb")}}',
      'blocks in blocks': `${'{{#if n}}'.repeat(7_000)}${'{{/if}}'.repeat(7_000)}`,
      'blocks that never close': '{{#if n}}'.repeat(14_000),
      'one else after the other': `{{#if n}}${'{{else if n}}'.repeat(9_000)}{{/if}}`,
      'parentheses in parentheses': `{{a ${'(a '.repeat(20_000)}`,
      'raw blocks': '{{{{a}}}}'.repeat(10_000),
      'a long template': '{{a}}'.repeat(30_000),
    },
    pieces: [
      ...[
        '{{',
        '}}',
        '{{{',
        '}}}',
        '{{{{',
        '}}}}',
        '{{~',
        '~}}',
        '{{#',
        '{{/',
        '{{^',
        '{{>',
        '{{*',
        '{{!--',
        '--}}',
        '\\',
      ],
      ...[
        '{{#if ',
        '{{/if}}',
        '{{else}}',
        '{{#each ',
        '{{/each}}',
        '{{#with ',
        '{{/with}}',
        ' as |x y|',
        '@index',
        '@root',
      ],
      ...[
        'a',
        'n',
        'l',
        'o.b',
        '../',
        './',
        'this',
        '.',
        '/',
        '[',
        ']',
        '(',
        ')',
        '"',
        "'",
        '=',
        ' ',
        '\n',
        'null',
        '0',
      ],
      ...['toJson ', 'default ', 'join ', 'lookup ', 'eq ', 'add ', 'constructor', '__proto__', 'exists ', 'replace '],
    ],
  },
}

function same(nested: JsonObject): JsonObject {
  return nested
}

test('every engine has its row', () => {
  expect(Object.keys(DIALECTS).sort()).toEqual([...ENGINES.keys()].sort())
})

for (const [name, dialect] of Object.entries(DIALECTS)) engineConformance(name, dialect)
