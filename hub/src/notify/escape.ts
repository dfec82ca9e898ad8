import { isJsonObject, type Json } from '@flotilla/core/json/json'
import type { TargetKind } from '@flotilla/core/notify/route'

const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** A text as HTML shows it. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => HTML[character]!)
}

/** Characters that turn a text around or hide in it. */
const INVISIBLE = /[\p{Cc}\p{Cf}]/gu

/** What a value becomes before a template of that target sees it: no name can be a link, a mention or a line of its own. */
export function escapeFor(kind: TargetKind, text: string): string {
  const plain = text.replaceAll(INVISIBLE, ' ')
  if (kind === 'slack') return plain.replaceAll(/[&<>]/g, character => HTML[character]!)
  if (kind === 'teams') {
    // An address stays one: Markdown's marks in it are percent-encoded already or do no harm.
    return /^https?:\/\/[^\s<>()[\]]+$/.test(plain) ? plain : plain.replaceAll(/[\\`*_[\]()<>#|~]/g, '\\$&')
  }
  return plain
}

export function escapeDeep(value: Json, kind: TargetKind): Json {
  if (typeof value === 'string') return escapeFor(kind, value)
  if (Array.isArray(value)) return value.map(item => escapeDeep(item as Json, kind))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.keys(value).map(key => [key, escapeDeep(value[key] as Json, kind)]))
}
