import type { Json } from '../../json/json.ts'
import { valueAt } from '../../json/read-json.ts'
import { CONDITIONS, type Message, PLACEHOLDER } from './data-rule.ts'
import { conditionOfType, isPresent, type Names, pathReader, type Reader } from './read-path.ts'
import type { Scope } from './scope.ts'

/** No text of a rule is longer, however much it repeats. */
export const LONGEST_TEXT = 4096

/** How to write a message. */
export function messageWriter(message: Message, names: Names): (scope: Scope) => string {
  if (!message.includes('{')) return () => message
  const parts = message.split(PLACEHOLDER).map((part, index) => {
    return index % 2 === 0 ? part : alternatives(part, names)
  })
  return scope => {
    let text = ''
    for (const part of parts) {
      scope.step(1)
      text += typeof part === 'string' ? part : part(scope)
      if (text.length >= LONGEST_TEXT) break
    }
    return text.slice(0, LONGEST_TEXT)
  }
}

function alternatives(placeholder: string, names: Names): (scope: Scope) => string {
  const readers = placeholder.split('|').map(one => placeholderReader(one, names))
  return scope => {
    for (const read of readers) {
      const value = read(scope)
      if (!isPresent(value)) continue
      if (Array.isArray(value)) scope.step(Math.min(value.length, LONGEST_TEXT))
      return plainText(value)
    }
    return ''
  }
}

function placeholderReader(name: string, names: Names): Reader {
  if (name.startsWith("'")) return () => name.slice(1, -1)
  if (name === 'index') return ({ index }) => index
  if (name === 'name') return ({ question }) => question.object.metadata.name
  const path = name.split('.')
  const [first = '', ...rest] = path
  if (!/^[A-Z]/.test(first)) return pathReader(path, names)
  return scope => valueAt(conditionOfType(scope, CONDITIONS, first), ...rest)
}

/** Texts, numbers and truth values as people write them, lists of them with commas; an object says nothing. */
export function plainText(value: Json | undefined): string {
  if (!Array.isArray(value)) return scalarText(value)
  let text = ''
  // No more is read of a list than there is room for: each but the first takes two characters at least.
  for (const [index, one] of value.entries()) {
    text += `${index === 0 ? '' : ', '}${scalarText(one).slice(0, LONGEST_TEXT)}`
    if (text.length >= LONGEST_TEXT) break
  }
  return text
}

/** As {@link plainText}, but a list says nothing either. */
export function scalarText(value: Json | undefined): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : ''
}
