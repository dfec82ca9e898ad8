import { describe, expect, test } from 'vitest'
import { canonicalJson } from '../json/canonical-json.ts'
import type { Json } from '../json/json.ts'
import { formatDiagnostic } from '../model/diagnostic.ts'
import { MAX_DIAGNOSTICS_PER_FILE, parseYamlDocuments } from './parse-yaml.ts'

function read(text: string): Json[] {
  const { documents, diagnostics } = parseYamlDocuments(text, { file: 'f.yaml' })
  expect(diagnostics).toEqual([])
  return documents.map(document => document.value)
}

function mistakes(text: string, maxBytes?: number): string[] {
  return parseYamlDocuments(text, { file: 'f.yaml', maxBytes }).diagnostics.map(formatDiagnostic)
}

describe('plain scalars are read as Go reads them', () => {
  const cases: Record<string, [string, Json]> = {
    'y is a boolean': ['y', true],
    'yes is a boolean': ['yes', true],
    'On is a boolean': ['On', true],
    'NO is a boolean': ['NO', false],
    'off is a boolean': ['off', false],
    'yEs is text': ['yEs', 'yEs'],
    'a leading zero means octal': ['010', 8],
    '0o10 is octal too': ['0o10', 8],
    'a leading zero before an 8 is decimal': ['08', 8],
    'underscores are dropped from numbers': ['1_000', 1000],
    hexadecimal: ['0xFF', 255],
    'negative hexadecimal': ['-0x10', -16],
    binary: ['0b101', 5],
    'an explicit plus': ['+12', 12],
    'minus zero is zero': ['-0', 0],
    'a date is text': ['2026-11-21', '2026-11-21'],
    'a timestamp is text': ['2026-11-21T10:00:00Z', '2026-11-21T10:00:00Z'],
    'a time of day is text, not sexagesimal': ['12:30:45', '12:30:45'],
    'an exponent makes a number': ['1e3', 1000],
    'a fraction': ['1.5', 1.5],
    'a bare fraction': ['.5', 0.5],
    'a version is text': ['1.2.3', '1.2.3'],
    'a commit id of digits and one e is a number in Go, and so here': ['12e3', 12000],
    'a number too large for a double is text': ['1e999', '1e999'],
    'an integer beyond 2^53 keeps its digits': ['12345678901234567890', 12345678901234567890n],
    'a negative one too': ['-9007199254740993', -9007199254740993n],
    'a tilde is null': ['~', null],
    'Null is null': ['Null', null],
    'a lone dot is text': ['.', '.'],
    'a path is text': ['./a', './a'],
    'a quoted yes is text': ['"yes"', 'yes'],
    'a quoted number is text': ["'010'", '010'],
    'a tag can make text of a number': ['!!str 5', '5'],
    'a tag can make a number of text': ['!!int "5"', 5],
    'a tag can make a boolean of text': ['!!bool "yes"', true],
    'a float tag': ['!!float "5"', 5],
    'binary is decoded': ['!!binary aGVsbG8=', 'hello'],
    'the bare tag makes text': ['! 5', '5'],
  }
  test.each(Object.entries(cases))('%s', (_, [text, expected]) => {
    const value = (read(`a: ${text}\n`)[0] as { a: Json }).a
    expect(value).toStrictEqual(expected)
  })

  test('keys become text', () => {
    expect(read('y: 1\n8080: 2\n1.5: 3\n')).toEqual([{ true: 1, '8080': 2, '1.5': 3 }])
  })

  test('__proto__ is an ordinary key', () => {
    expect(canonicalJson(read('__proto__: {a: 1}\n')[0]!)).toBe('{"__proto__":{"a":1}}')
  })
})

describe('documents', () => {
  const cases: Record<string, [string, Json[]]> = {
    'several in one file': ['a: 1\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    'empty and comment-only ones are left out': ['---\n# nothing\n---\na: 1\n---\n\n---\n', [{ a: 1 }]],
    'a bare null is left out': ['null\n---\na: 1\n', [{ a: 1 }]],
    'an empty text has none': ['', []],
    'only comments': ['# a\n# b', []],
    'an end marker': ['a: 1\n...\n---\nb: 2\n...\n', [{ a: 1 }, { b: 2 }]],
    'content on the marker line': ['--- {a: 1}\n--- |\n  text\n', [{ a: 1 }, 'text\n']],
    'directives belong to the next document': [
      '%YAML 1.2\n---\na: 1\n...\n%YAML 1.1\n---\nb: 2\n',
      [{ a: 1 }, { b: 2 }],
    ],
    'dashes inside a block text are text unless at the margin': ['a: |\n  ---\n  x\nb: 1\n', [{ a: '---\nx\n', b: 1 }]],
    'four dashes are no marker': ['a: 1\nb:\n- ----\n', [{ a: 1, b: ['----'] }]],
    'Windows line ends': ['a: 1\r\n---\r\nb: |\r\n  x\r\n  y\r\n', [{ a: 1 }, { b: 'x\ny\n' }]],
    'a byte order mark': ['\uFEFF---\na: 1\n---\nb: 2\n', [{ a: 1 }, { b: 2 }]],
    'JSON with tabs': ['{\n\t"a":\t[1,\n\t\t2],\n\t"b": {"c": null}\n}\n', [{ a: [1, 2], b: { c: null } }]],
    'a merge, own keys win wherever they stand': [
      'q: &x {a: 1, b: 2}\nr: {b: 3, <<: *x}\ns: {<<: *x, b: 4}\n',
      [{ q: { a: 1, b: 2 }, r: { b: 3, a: 1 }, s: { a: 1, b: 4 } }],
    ],
    'a merge of several, the earlier wins': [
      'q: &x {a: 1}\nr: &y {a: 2, b: 2}\ns: {<<: [*x, *y]}\n',
      [{ q: { a: 1 }, r: { a: 2, b: 2 }, s: { a: 1, b: 2 } }],
    ],
    'a quoted << is an ordinary key': ['"<<": {a: 1}\n', [{ '<<': { a: 1 } }]],
    'anchors do not reach over documents, but may be set again': ['a: &x 1\nb: &x 2\nc: *x\n', [{ a: 1, b: 2, c: 2 }]],
  }
  test.each(Object.entries(cases))('%s', (_, [text, expected]) => {
    expect(read(text)).toEqual(expected)
  })

  test('the index counts broken documents and skips empty ones', () => {
    const { documents, broken } = parseYamlDocuments('---\n---\na: 1\n---\nb: [\n---\nc: 3\n', { file: 'f' })
    expect(documents.map(document => [document.index, document.startLine])).toEqual([
      [0, 2],
      [2, 6],
    ])
    expect(broken.map(part => [part.index, part.startLine])).toEqual([[1, 4]])
  })

  test('a part read alone gives the same value and positions', () => {
    const text = '# head\na: 1\n---\nb:\n  c: 2\n'
    const whole = parseYamlDocuments(text, { file: 'f' }).documents[1]!
    const alone = parseYamlDocuments(whole.text, { file: 'f', startLine: whole.startLine, startIndex: whole.index })
    expect(alone.documents[0]).toMatchObject({ value: whole.value, index: 1, startLine: 3 })
    expect(alone.documents[0]!.positionOf(['b', 'c'])).toEqual(whole.positionOf(['b', 'c']))
  })
})

describe('every mistake has its place', () => {
  const cases: Record<string, [string, string[]]> = {
    'a key twice': ['a: 1\nb: 2\na: 3\n', ['f.yaml:3:1 YAML_DUPLICATE_KEY key "a" stands twice in one mapping']],
    'keys that become the same text': ['1: a\n"1": b\n', ['f.yaml:2:1 YAML_DUPLICATE_KEY key "1" stands twice']],
    'a mapping as key': ['? {a: 1}\n: 2\n', ['f.yaml:1:3 YAML_KEY a key must be text']],
    'null as key': ['~: 2\n', ['f.yaml:1:1 YAML_KEY']],
    'an unknown tag on a scalar': ['a: !vault x\n', ['f.yaml:1:4 YAML_TAG tag !vault is not known here']],
    'an unknown tag on a mapping': ['a: !!set {b}\n', ['f.yaml:1:4 YAML_TAG tag !!set is not known here']],
    'a tag that its text denies': ['a: !!int x\n', ['f.yaml:1:10 YAML_TAG "x" is not what its tag !!int says']],
    infinity: ['a: [.inf, -.INF, .nan]\n', ['1:5 YAML_NUMBER .inf', '1:11 YAML_NUMBER', '1:18 YAML_NUMBER .nan']],
    'an alias to nothing': ['a: *b\n', ['f.yaml:1:4 YAML_ALIAS alias *b refers to no anchor']],
    'an alias inside its own anchor': ['a: &x [1, *x]\n', ['f.yaml:1:11 YAML_ALIAS alias *x stands inside the node']],
    'a merge of text': ['a: {<<: x}\n', ['f.yaml:1:5 YAML_MERGE']],
    'a tab as indentation': ['a:\n\tb: 1\n', ['f.yaml:2:1 YAML_SYNTAX']],
    'the mistakes of every document': [
      'a: [\n---\nb: 1\nb: 2\nc: !x y\n---\nd: *e\n',
      ['f.yaml:1:4 YAML_SYNTAX', 'f.yaml:4:1 YAML_DUPLICATE_KEY', 'f.yaml:5:4 YAML_TAG', 'f.yaml:7:4 YAML_ALIAS'],
    ],
    'columns count characters': ['"🚢é": {a: *b}\n', ['f.yaml:1:11 YAML_ALIAS']],
    'a mark at the start has no column': ['\uFEFFa: *b\n', ['f.yaml:1:4 YAML_ALIAS']],
    'Windows line ends count once': ['a: 1\r\n\r\nb: *c\r\n', ['f.yaml:3:4 YAML_ALIAS']],
    'a null byte': ['a: "\0"\n', ['f.yaml:1:5 YAML_SYNTAX']],
  }
  test.each(Object.entries(cases))('%s', (_, [text, expected]) => {
    const found = mistakes(text)
    expect(found.length, found.join('\n')).toBe(expected.length)
    found.forEach((line, index) => {
      expect(line).toContain(expected[index])
    })
  })
})

describe('hostile text', () => {
  test('a billion laughs are refused, at once', () => {
    const lines = ['a0: &a0 lol']
    for (let i = 1; i < 12; i++)
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    expect(mistakes(lines.join('\n'))).toEqual([expect.stringContaining('aliases make the document grow beyond')])
  })

  test('a long text repeated by aliases is refused', () => {
    const text = `a: &a ${'x'.repeat(500_000)}\nb: [*a, *a, *a]\n`
    expect(mistakes(text)).toEqual([expect.stringContaining('grow beyond its limit')])
  })

  test('merges are charged as aliases are', () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `k${i}: 1`).join(', ')
    const text = `a: &a {${keys}}\nb:\n${'- <<: *a\n'.repeat(200)}`
    expect(mistakes(text)).toEqual([expect.stringContaining('YAML_ALIAS')])
  })

  test('too many aliases', () => {
    expect(mistakes(`a: &a 1\nb: [${'*a,'.repeat(1001)}]\n`)).toEqual([
      expect.stringContaining('more than 1000 aliases'),
    ])
  })

  test('depth is limited, aliases included', () => {
    expect(mistakes('['.repeat(5000))).toEqual([expect.stringContaining('YAML_SYNTAX')])
    const lines = ['a0: &a0 x']
    for (let i = 1; i < 40; i++) lines.push(`a${i}: &a${i} ${'['.repeat(5)}*a${i - 1}${']'.repeat(5)}`)
    expect(mistakes(lines.join('\n'))[0]).toContain('nests deeper than 100 levels')
  })

  test('a file over the limit is not read; the limit counts bytes', () => {
    expect(mistakes('a: éé\n', 8)).toEqual([])
    expect(mistakes('a: éé\n', 7)).toEqual([expect.stringContaining('f.yaml:1:1 FILE_TOO_LARGE')])
  })

  test('mistakes are listed up to a number, and the last line says so', () => {
    const found = mistakes('a: 1\n'.repeat(5000))
    expect(found.length).toBe(MAX_DIAGNOSTICS_PER_FILE + 1)
    expect(found.at(-1)).toContain('TOO_MANY_MISTAKES')
  })
})

describe('positions', () => {
  const text = [
    '# comment',
    'metadata:',
    '  name: web',
    '  labels: {env: prod, "tier": gold}',
    'base: &base',
    '  image: x',
    'spec:',
    '  - <<: *base',
    '    args: |',
    '      text',
    '  - *base',
    'empty:',
  ].join('\n')
  const document = parseYamlDocuments(text, { file: 'f.yaml' }).documents[0]!
  const cases: Record<string, [(string | number)[], string, string]> = {
    'the root': [[], '2:1', '2:1'],
    'a value and its key': [['metadata', 'name'], '3:9', '3:3'],
    'inside a flow mapping': [['metadata', 'labels', 'env'], '4:17', '4:12'],
    'a quoted key': [['metadata', 'labels', 'tier'], '4:31', '4:23'],
    'a list item': [['spec', 0], '8:5', '8:5'],
    'a merged key stands where its source does': [['spec', 0, 'image'], '6:10', '6:3'],
    'an alias stands where it is written': [['spec', 1], '11:5', '11:5'],
    'below an alias is where it was written': [['spec', 1, 'image'], '6:10', '6:3'],
    'an empty value stands at its key': [['empty'], '12:1', '12:1'],
    'a path that is not there: the nearest ancestor': [['metadata', 'annotations', 'x'], '3:3', '2:1'],
  }
  test.each(Object.entries(cases))('%s', (_, [path, value, key]) => {
    const at = document.positionOf(path)
    const keyAt = document.keyPositionOf(path)
    expect([`${at.line}:${at.column}`, `${keyAt.line}:${keyAt.column}`]).toEqual([value, key])
  })
})
