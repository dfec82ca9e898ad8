import { describe, expect, test } from 'vitest'
import { formatDiagnostic } from '../model/diagnostic.ts'
import { parseYamlDocuments } from './parse-yaml.ts'

/** Through the real parser: its reasons are its own, and a new version of it may word them otherwise. */
describe('broken YAML is told in words that lead to the mistake', () => {
  const cases: Record<string, [string, string, string]> = {
    'a bracket that is never closed, where it opens': ['a: [\n', '1:4 "[" is not closed', 'add "]" where it ends'],
    'a brace that is never closed, not the line at which that shows': [
      'metadata:\n  labels: {env: prod\nspec: {}\n',
      '2:11 "{" is not closed',
      'add "}" where it ends',
    ],
    'the innermost of several': ['a: {b: [c, d\n', '1:8 "[" is not closed', 'add "]"'],
    'JSON that is cut off': ['{"a": 1,\n "b": [2]\n', '1:1 "{" is not closed', 'add "}"'],
    'not a bracket in a quote, a comment or a block text': [
      'x: "["\ny: 1 # [\nz: |\n  [\nit: it\'s [\na: {b: c\n',
      '6:4 "{" is not closed',
      'add "}"',
    ],
    'a double quote without an end': [
      'a: "b \\" c\nd: e\n',
      '1:4 the text that begins with " has no end',
      'close the quote',
    ],
    'a single quote without an end': [
      "a: 'it''s\nb: c\n",
      "1:4 the text that begins with ' has no end",
      'close the quote',
    ],
    'a comma that is missing': ['a: {b: "c" d: e}\n', '1:12 a comma is missing before this', 'add it, or close'],
    'a bracket too many': ['a: b\n}\n', '2:1 "}" closes nothing', 'remove it'],
    'a tab': ['a:\n\tb: c\n', '2:1 tab characters must not be used in indentation', 'indent with spaces'],
    'a key that is indented otherwise': [
      'a:\n  b: c\n d: e\n',
      '3:2 the line does not fit the mapping',
      'indent all keys',
    ],
    'an item that is indented otherwise': [
      'a:\n- b\n c: d\n',
      '3:3 the line does not fit the list',
      'indent all items',
    ],
    'a second colon in a line': ['a: b: c\n', '1:5 a second ": " stands in one line', 'put the value in quotes'],
    'a value that begins with @': ['a: @b\n', '1:4 a value may not begin with @', 'put it in quotes'],
    'a key without a colon': ['a b\nc: d\n', '2:2 this belongs to nothing above it', 'is a ":" missing before it'],
    'a template around the YAML': ['{{ if x }}\na: b\n{{ end }}\n', '2:1 this belongs', 'templates around the YAML'],
    'a merge conflict': [
      'a: b\n<<<<<<< HEAD\nc: d\n=======\nc: e\n>>>>>>> theirs\n',
      '2:1 a merge conflict of Git is not resolved',
      'choose one side',
    ],
    'an unknown escape': ['a: "\\q"\n', '1:6 the escape is unknown', 'write "\\\\" for a backslash'],
    'a control character': ['a: \u0007\n', '1:4 a control character stands here', 'remove it'],
    'nesting without an end': ['['.repeat(5_000), '1:100 the document nests deeper than 100 levels', 'flatten it'],
    'what has no words of ours': ['a: |x\n  y\n', '1:5 a line break is expected', 'look at the indentation'],
  }
  test.each(Object.entries(cases))('%s', (_, [text, message, hint]) => {
    const lines = parseYamlDocuments(text, { file: 'f' }).diagnostics.map(formatDiagnostic)
    expect(lines).toHaveLength(1)
    const [first = '', second = ''] = lines[0]!.split('\n')
    expect(first.replace('YAML_SYNTAX ', '')).toContain(`f:${message}`)
    expect(second).toContain(`hint: ${hint}`)
  })

  test('a template without quotes is no strange key', () => {
    const lines = (text: string) => parseYamlDocuments(text, { file: 'f' }).diagnostics.map(formatDiagnostic)
    expect(lines('name: {{cluster}}\n')).toEqual([
      'f:1:8 YAML_KEY a key must be text\n  hint: put a template in quotes: "{{…}}"',
    ])
    expect(lines('name: {{cluster}}-a\n')).toEqual([
      'f:1:18 YAML_SYNTAX text follows a closed bracket\n  hint: put the whole value in quotes, a template too: "{{…}}"',
    ])
  })

  test('a long broken text takes no long time', () => {
    const text = `${'a: "b"\n'.repeat(100_000)}c: [\n`
    expect(parseYamlDocuments(text, { file: 'f' }).diagnostics[0]).toMatchObject({ line: 100_001, column: 4 })
  })
})
