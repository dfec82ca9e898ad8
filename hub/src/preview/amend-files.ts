import type { ConfigFile } from '@flotilla/config/load'
import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { splitDocuments } from '@flotilla/core/yaml/split-documents'

/** The file that documents without a place stand in. */
export const INLINE_FILE = 'inline.yaml'

/**
 * Files of a config source with other documents in them: each takes the place of the one of its kind and name, wherever
 * that stands; the lines of everything else stay what they are.
 */
export function amendFiles(files: readonly ConfigFile[], path: string, text: string): readonly ConfigFile[] {
  const named = new Set(documentKeys(text))
  const folder = path.split('/').filter(segment => segment !== '' && segment !== '.')
  const taken = new Set(files.map(file => file.path))
  let inline = [...folder, INLINE_FILE].join('/')
  for (let again = 2; taken.has(inline); again++) inline = [...folder, `inline-${again}.yaml`].join('/')
  return [...files.map(file => without(file, named)), { path: inline, text }]
}

function without(file: ConfigFile, named: ReadonlySet<string>): ConfigFile {
  let text = file.text
  for (const { start, end } of splitDocuments(file.text)) {
    const part = file.text.slice(start, end)
    if (!documentKeys(part).some(key => named.has(key))) continue
    text = text.slice(0, start) + part.replaceAll(/[^\r\n]/g, ' ') + text.slice(end)
  }
  return text === file.text ? file : { ...file, text }
}

function documentKeys(text: string): readonly string[] {
  return parseYamlDocuments(text, { file: INLINE_FILE }).documents.flatMap(({ value }) => keyOf(value))
}

function keyOf(value: Json): readonly string[] {
  if (!isJsonObject(value) || !isJsonObject(value['metadata'])) return []
  const { kind, metadata } = value
  return [JSON.stringify([kind ?? '', metadata['name'] ?? ''])]
}
