import { writeFileSync } from 'node:fs'
import fc, { type Arbitrary } from 'fast-check'

/**
 * `node random-cases.ts SEED COUNT FILE`: templates at random whose calls mostly fit, as cases for Go. ASCII only: text
 * that is cut inside a character is the one thing in which ours differs by design.
 */
const [seed, count, file] = process.argv.slice(2)
if (seed === undefined || count === undefined || file === undefined) {
  throw new Error('usage: node random-cases.ts SEED COUNT FILE')
}

const DATA = {
  s: 'text',
  n: 3,
  x: 1.5,
  t: true,
  none: null,
  l: ['a', 1, null, ['b']],
  m: { a: '1', b: { c: [1, 2] } },
  big: 1234567,
  e: '',
  el: [],
  em: {},
  ls: ['x', 'y', 'x'],
  ms: [
    { k: 'a', v: 1 },
    { k: 'b', v: 2.5 },
  ],
  neg: -3.75,
}

type Kind = 'text' | 'integer' | 'number' | 'boolean' | 'list' | 'map' | 'any'

/** Signatures: the kinds of a function's arguments, or a literal where there is no kind of that name. */
const CALLS: { readonly [kind in Kind]: readonly string[] } = {
  text: [
    ...[
      'upper text',
      'lower text',
      'title text',
      'trim text',
      'quote any',
      'squote any',
      'print any any',
      'toString any',
    ],
    ...['printf "%v|%s|%5d" any text integer', 'printf "%T_%#v" any any', 'join "," list', 'replace "a" "bb" text'],
    ...['trunc integer text', 'cat text any', 'indent 2 text', 'nindent 1 text', 'toJson any', 'toPrettyJson any'],
    ...['b64enc text', 'sha256sum text', 'snakecase text', 'camelcase text', 'kebabcase text', 'initials text'],
    ...['abbrev 5 text', 'wrap 5 text', 'repeat 2 text', 'plural text text integer', 'trimSuffix text text'],
    ...[
      'html any',
      'js any',
      'urlquery any',
      'typeOf any',
      'kindOf any',
      'base text',
      'dir text',
      'regexFind "[a-z]+" text',
    ],
    ...['normalize text', 'slugify text', 'ternary text text boolean', 'default text text', 'get .m "a"'],
  ],
  integer: ['int any', 'len text', 'len list', 'len map', 'atoi text'],
  number: [
    ...['int64 any', 'float64 any', 'add any any', 'sub any any', 'mul any any', 'max any any', 'min any any'],
    ...['floor any', 'round any 1', 'div any 2', 'mod any 3', 'divf any 2', 'addf any any', 'add1 any'],
  ],
  boolean: [
    ...['eq text text', 'ne integer integer', 'lt integer integer', 'ge text text', 'not any', 'and any boolean'],
    ...['or boolean any', 'empty any', 'hasKey map text', 'has any list', 'contains text text', 'kindIs "map" any'],
    ...['deepEqual any any', 'all any any', 'any any any', 'regexMatch "^[a-z]" text', 'semverCompare ">=1.0" "1.2.3"'],
  ],
  list: [
    ...[
      'list any any',
      'append list any',
      'prepend list any',
      'rest list',
      'initial list',
      'reverse list',
      'uniq list',
    ],
    ...['compact list', 'without list any', 'concat list list', 'slice list 1', 'sortAlpha list', 'toStrings list'],
    ...['chunk 2 list', 'splitList "," text', 'regexSplit "[,l]" text -1', 'until 3'],
  ],
  map: [
    ...['dict "k" any "a" any', 'omit map "a"', 'pick map "a"', 'deepCopy map', 'fromJson `{"q":[1,{"r":null}]}`'],
    ...['merge (dict "a" any) (dict "a" any "b" any)', 'mergeOverwrite (dict "a" any) (dict "a" any)'],
  ],
  any: [
    'first list',
    'last list',
    'ternary any any boolean',
    'default any any',
    'coalesce any any',
    'dig "b" "c" 0 map',
  ],
}
const LEAVES: { readonly [kind in Kind]: readonly string[] } = {
  text: ['.s', '.e', '"a,b,c"', '"Hello World"', '`raw "q"`', '"x-y_z"', '"42"', '"/a/../b.txt"'],
  integer: ['1', '2', '0', '-3', '100'],
  number: ['.n', '.x', '.big', '.neg', '2.5', '3'],
  boolean: ['true', 'false', '.t'],
  list: ['.l', '.ls', '.el', '.ms', '(list)'],
  map: ['.m', '.em', '(dict)'],
  any: ['.none', '.nope', 'nil', '.m.b.c', '.m.b', '(index .l 0)', '.', '$'],
}
const KINDS = Object.keys(CALLS) as Kind[]
const FILTERS = [
  'upper',
  'quote',
  'toJson',
  'len',
  'print',
  'default "d"',
  'first',
  'empty',
  'not',
  'typeOf',
  'int',
  'html',
]

const expressions = fc.letrec<{ [kind in Kind]: string }>(tie => {
  const kind = (name: Kind): Arbitrary<string> => {
    const calls = CALLS[name].map(signature => {
      const words = signature.match(/`[^`]*`|"[^"]*"|[()]|[^\s()]+/g)!
      const parts = words.map(word => ((KINDS as readonly string[]).includes(word) ? tie(word as Kind) : word))
      const first = typeof parts[0] === 'string' ? parts[0] : words[0]!
      const rest = parts.slice(1).map(part => (typeof part === 'string' ? fc.constant(part) : part))
      return fc.tuple(...rest).map(operands => `(${[first, ...operands].join(' ')})`)
    })
    const others = name === 'any' ? KINDS.filter(other => other !== 'any').map(other => tie(other)) : []
    return fc.oneof({ depthSize: 'small' }, fc.constantFrom(...LEAVES[name]), ...calls, ...others)
  }
  return Object.fromEntries(KINDS.map(name => [name, kind(name)])) as { [name in Kind]: Arbitrary<string> }
})
const { any, list, map } = expressions

const { body } = fc.letrec<{ body: string; statement: string }>(tie => ({
  body: fc.array(tie('statement'), { minLength: 1, maxLength: 3 }).map(parts => parts.join('')),
  statement: fc.oneof(
    { depthSize: 'small' },
    any.map(text => `{{ ${text} }}`),
    fc.constantFrom('t', ' \n', '{{ $v }}', '{{ . }}', '{{- " " -}}'),
    fc.tuple(any, fc.constantFrom(...FILTERS)).map(([text, filter]) => `{{ ${text} | ${filter} }}`),
    any.map(text => `{{ $v = ${text} }}`),
    fc.tuple(any, tie('body'), tie('body')).map(([text, a, b]) => `{{ if ${text} }}${a}{{ else }}${b}{{ end }}`),
    fc
      .tuple(list, tie('body'))
      .map(([text, a]) => `{{ range $i, $v := ${text} }}${a}{{ if $i }}{{ break }}{{ end }}{{ else }}none{{ end }}`),
    fc.tuple(map, tie('body')).map(([text, a]) => `{{ range $k, $v := ${text} }}{{ $k }}${a}{{ end }}`),
    fc.tuple(map, tie('body')).map(([text, a]) => `{{ with ${text} }}{{ .a }}${a}{{ end }}`),
  ),
}))

const options = fc.constantFrom(undefined, ['missingkey=error'], ['missingkey=zero'])
/** Longer ones say little more, and the tables are committed. */
const MAX_LENGTH = 250
const rows = fc
  .sample(
    fc.tuple(
      body.filter(text => text.length <= MAX_LENGTH),
      options,
    ),
    { numRuns: Number(count), seed: Number(seed) },
  )
  .map(([template, chosen], index) => {
    const row = { name: `random ${index}`, template: `{{ $v := 1 }}${template}`, data: DATA }
    return JSON.stringify(chosen === undefined ? row : { ...row, options: chosen })
  })
writeFileSync(file, `[\n${rows.map(row => `  ${row}`).join(',\n')}\n]\n`)
