import type { Json } from '@flotilla/core/json/json'

/**
 * These fields of a row alone, each where it is in the whole: `sync.status` of `{sync: {status, message}}` gives
 * `{sync: {status}}`. What a row lacks is left out.
 */
export function pickFields(row: object, fields: readonly string[]): { readonly [key: string]: Json | undefined } {
  const picked: Picked = {}
  for (const field of fields) {
    const keys = field.split('.')
    let from: unknown = row
    for (const key of keys) {
      from = typeof from === 'object' && from !== null && Object.hasOwn(from, key) ? from[key as never] : undefined
    }
    if (from === undefined) continue
    let into = picked
    for (const key of keys.slice(0, -1)) {
      const inner = Object.hasOwn(into, key) ? into[key] : undefined
      const next: Picked = isPlain(inner) ? inner : {}
      define(into, key, next)
      into = next
    }
    define(into, keys.at(-1)!, isPlain(from) ? { ...from } : (from as Json))
  }
  return picked
}

type Picked = { [key: string]: Json | undefined }

/** Defined, so that `__proto__` is a key like any other. */
function define(into: Picked, key: string, value: Json | Picked): void {
  Object.defineProperty(into, key, { value, enumerable: true, configurable: true, writable: true })
}

function isPlain(value: unknown): value is Picked {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
