import { withoutCredentials } from '@flotilla/core/view/shown-url'

/** Fields whose name says that their value is for nobody else. */
const SECRET_NAME = /token|secret|password|passwd|authorization|cookie|private.?key|signature|jws|assertion/i
/** Ids of such things are harmless, and needed to find them. */
const HARMLESS_NAME = /(id|name|hash|count|total|expires?(at)?|path|file)s?$/i
const HIDDEN = '[hidden]'

const API_TOKEN = /flt_[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+/g
const JOIN_TOKEN = /flj1\.[A-Za-z0-9_.-]+/g
const BEARER = /(bearer|basic|flotilla-agent)\s+[A-Za-z0-9._~+/=-]+/gi
const JWS = /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*/g
const PEM_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g
const URL_LIKE = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi

const MOST_TEXT = 2_000
const MOST_ITEMS = 50
const MOST_DEPTH = 5

/**
 * Fields as they may be written to a log: tokens, passwords, keys and the credentials inside URLs hidden, errors with
 * their causes as plain values, everything bounded so that no manifest can be logged whole by mistake.
 */
export function loggableFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return loggableObject(fields, 0)
}

function loggableObject(value: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(value)
  const shown = entries
    .slice(0, MOST_ITEMS)
    .map(([key, member]) => [
      key,
      SECRET_NAME.test(key) && !HARMLESS_NAME.test(key) && isText(member) ? HIDDEN : loggable(member, depth + 1),
    ])
  if (entries.length > MOST_ITEMS) shown.push(['…', `${entries.length - MOST_ITEMS} more`])
  return Object.fromEntries(shown)
}

function loggable(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return loggableText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth > MOST_DEPTH) return '…'
  if (value instanceof Error) return loggableError(value, depth)
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`
  if (Array.isArray(value)) {
    const shown = value.slice(0, MOST_ITEMS).map(item => loggable(item, depth + 1))
    return value.length > MOST_ITEMS ? [...shown, `… ${value.length - MOST_ITEMS} more`] : shown
  }
  return loggableObject(value, depth)
}

function loggableError(error: Error, depth: number): object {
  const { code, subject } = error as { code?: unknown; subject?: unknown }
  return {
    name: error.name,
    message: loggableText(error.message),
    ...(typeof code === 'string' && { code }),
    ...(typeof subject === 'string' && { subject: loggableText(subject) }),
    ...(error.stack !== undefined && { stack: loggableText(error.stack) }),
    ...(error.cause !== undefined && { cause: loggable(error.cause, depth + 1) }),
  }
}

function loggableText(text: string): string {
  // Of a longer text nothing behind this is shown anyway.
  const hidden = text
    .slice(0, 16 * MOST_TEXT)
    .replace(PEM_KEY, HIDDEN)
    .replace(API_TOKEN, HIDDEN)
    .replace(JOIN_TOKEN, HIDDEN)
    .replace(BEARER, `$1 ${HIDDEN}`)
    .replace(JWS, HIDDEN)
    .replace(URL_LIKE, withoutCredentials)
  // Cut last: a secret that is cut in two would no longer look like one.
  return hidden.length > MOST_TEXT ? `${hidden.slice(0, MOST_TEXT)}… (${text.length} characters)` : hidden
}

function isText(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Uint8Array || (Array.isArray(value) && value.some(isText))
}
