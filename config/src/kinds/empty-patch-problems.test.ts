import { describe, expect, test } from 'vitest'
import { emptyPatchProblems } from './empty-patch-problems.ts'

const codes = (templatePatch: string, goTemplate = true): readonly string[] =>
  emptyPatchProblems({ goTemplate, templatePatch }).map(({ code, severity }) => `${severity} ${code}`)
const WARNED = ['warning PATCH_MAY_EMPTY_SPEC']

describe('a templatePatch that may empty the Application', () => {
  const table: { readonly [sentence: string]: readonly [string, boolean] } = {
    'a condition inside spec': ['spec:\n  {{- if .prune }}\n  syncPolicy: {}\n  {{- end }}\n', true],
    'a loop inside spec': ['spec:\n{{ range .x }}\n  a: {{ . }}\n{{ end }}', true],
    'conditions inside conditions': ['spec:\n{{if .a}}\n{{if .b}}\n  c: 1\n{{else}}\n  d: 1\n{{end}}\n{{end}}', true],
    'else if is no else': ['spec:\n{{if .a}}\n  b: 1\n{{else if .c}}\n  d: 1\n{{end}}', true],
    'an else that says something': ['spec:\n{{if .a}}\n  b: 1\n{{else}}\n  c: 1\n{{end}}', false],
    'spec inside the condition': ['{{ if .a }}\nspec:\n  b: 1\n{{ end }}', false],
    'something else in spec': ['spec:\n  a: 1\n{{ if .b }}\n  c: 1\n{{ end }}', false],
    'a value of a tag': ['spec: {{ .spec | toJson }}', false],
    'a comment and a variable say nothing': [
      '{{/* {{ if }} */}}{{ $a := 1 }}spec:\n{{ if $a }}\n  b: 1\n{{ end }}',
      true,
    ],
    'what is no YAML without its conditions': ['{{ if .a }}spec: {{ end }}: [', false],
    'ends without a beginning': ['spec:\n  a: {{ end }}{{ end }}{{ else }}', false],
  }
  for (const [sentence, [patch, warned]] of Object.entries(table)) {
    test(sentence, () => expect(codes(patch)).toEqual(warned ? WARNED : []))
  }
  test('is one of Go templates', () => expect(codes('spec:\n{{ if .a }}\n  b: 1\n{{ end }}', false)).toEqual([]))
  test('is looked at once, however large', () => {
    expect(codes(`spec:\n${'{{ if .a }}'.repeat(20_000)}${'{{ end }}'.repeat(20_000)}`)).toEqual(WARNED)
    for (const text of ['{{', '{{/*', '{{ /* */', '*/ {{ /*', '{{ $a']) expect(codes(text.repeat(200_000))).toEqual([])
  })
})
