import type { Position } from '@flotilla/core/model/diagnostic'
import type { YamlDocument } from '@flotilla/core/yaml/parse-yaml'

/** A place inside a value that is text; both count from 1. */
export interface TextPlace {
  readonly line: number
  readonly column: number
}

/**
 * Where a line of a text stands in the file, for text that YAML keeps as it is (`|`). For other forms the value's own
 * position: they fold and escape, so that lines of the value are none of the file.
 */
export function placeInText(yaml: YamlDocument, value: Position, { line, column }: TextPlace): Position {
  const lines = yaml.text.split('\n')
  // Such a value begins on the line after its header, before the indentation.
  const first = value.line - yaml.startLine
  const header = lines[first - 1] ?? ''
  const block = /[\s:-]\|[+-]?([1-9]?)[+-]?\s*(?:#.*)?$/.exec(header)
  if (block === null || value.column !== 1) return value
  const content = lines.slice(first).find(one => one.trim() !== '') ?? ''
  const written = block[1] === '' ? content : `${header.slice(0, header.search(/\S/))}${' '.repeat(Number(block[1]))}.`
  const indent = written.search(/\S/)
  return { file: value.file, line: value.line + line - 1, column: indent + column }
}
