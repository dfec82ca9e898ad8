import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { describe, expect, it } from 'vitest'
import { placeInText } from './place-in-text.ts'

/** Where the first `@` of the value of `policy` is said to stand, as it stands in the file. */
function placeOf(yaml: string): readonly [said: string, file: string] {
  const document = parseYamlDocuments(yaml, { file: 'a.yaml' }).documents.at(-1)!
  const { policy } = document.value as { readonly policy: string }
  const before = policy.slice(0, policy.indexOf('@')).split('\n')
  const place = { line: before.length, column: before.at(-1)!.length + 1 }
  const said = placeInText(document, document.positionOf(['policy']), place)
  const inFile = yaml.slice(0, yaml.indexOf('@')).split('\n')
  return [`${said.line}:${said.column}`, `${inFile.length}:${inFile.at(-1)!.length + 1}`]
}

describe('a place inside a text', () => {
  it.each([
    ['under a bar', 'policy: |\n  one\n  two @\n'],
    ['under a bar that drops the last line break', 'policy: |-\n    @\n'],
    ['after an empty line', 'policy: |\n\n  one\n\n  @\n'],
    ['deeper than its first line', 'policy: |\n  one\n     @\n'],
    ['with its indentation written', 'policy: |2\n    one\n  @\n'],
    ['behind a comment of the header', 'policy: | # rows\n  one\n  @\n'],
    ['in a second document', 'a: 1\n---\nb: 2\npolicy: |\n  one\n  @\n'],
  ])('%s is where it stands in the file', (_, yaml) => {
    const [said, file] = placeOf(yaml)
    expect(said).toBe(file)
  })

  it.each([
    ['folded text', 'policy: >\n  one\n  @\n', '2:1'],
    ['text in quotes', 'policy: "one\\n@"\n', '1:9'],
    ['text on one line', 'policy: one @\n', '1:9'],
  ])('%s has no lines of its own: the value is pointed at', (_, yaml, place) => {
    expect(placeOf(yaml)[0]).toBe(place)
  })
})
