import { isIP } from 'node:net'
import { TimeZone } from '@flotilla/core/gates/time-zone'
import { nearest } from '@flotilla/core/text/nearest'
import { OPERATIONS } from '../client/operations.ts'

/** What a loose value came to, or the rule that it breaks. */
export type Reading<T> = { readonly value: T } | { readonly rule: string }

export type Reader<T> = (loose: unknown) => Reading<T>

export const readText: Reader<string> = loose =>
  typeof loose === 'string' && loose.trim() !== ''
    ? { value: loose.trim() }
    : { rule: 'must be a text that is not empty' }

export function readOneOf<const Words extends readonly string[]>(words: Words): Reader<Words[number]> {
  return loose =>
    typeof loose === 'string' && words.includes(loose)
      ? { value: loose }
      : { rule: `must be one of ${words.join(', ')}` }
}

/** Some of these words: a list, or one text with commas between. */
export function readSomeOf<const Words extends readonly string[]>(words: Words): Reader<readonly Words[number][]> {
  return loose => {
    const reading = readTexts(loose)
    const good = 'value' in reading && reading.value.length > 0 && reading.value.every(word => words.includes(word))
    return good ? { value: reading.value } : { rule: `must be a list of ${words.join(', ')}` }
  }
}

/** An IANA name. */
export const readTimeZone: Reader<string> = loose =>
  typeof loose === 'string' && TimeZone.find(loose) !== undefined
    ? { value: loose }
    : { rule: 'must be an IANA time zone such as Europe/Berlin' }

/** `true` or `false`, as YAML has them or as a variable writes them. */
export const readSwitch: Reader<'true' | 'false'> = loose => {
  const word = typeof loose === 'boolean' ? String(loose) : loose
  return word === 'true' || word === 'false' ? { value: word } : { rule: 'must be true or false' }
}

/** A list, or one text with commas between. */
/** `https://ui.example.com`: scheme, host and port as a browser writes them, and nothing else. */
export const readOrigins: Reader<readonly string[]> = loose => {
  const reading = readTexts(loose)
  if (!('value' in reading)) return reading
  const isOrigin = (text: string): boolean =>
    /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text
  return reading.value.every(isOrigin)
    ? reading
    : { rule: 'must be origins such as https://ui.example.com, without a path' }
}

export const readTexts: Reader<readonly string[]> = loose => {
  const values = typeof loose === 'string' ? loose.split(',').map(part => part.trim()) : loose
  const right = Array.isArray(values) && values.every(value => typeof value === 'string' && value !== '')
  return right ? { value: values as string[] } : { rule: 'must be a list of texts' }
}

/** `listApplications=100`: operations of the API, each with a whole number. */
export const readRates: Reader<ReadonlyMap<string, number>> = loose => {
  const reading = readTexts(loose)
  if (!('value' in reading)) return reading
  const rates = new Map<string, number>()
  for (const text of reading.value) {
    const [, operation = '', number = ''] = /^(\w+)=(\d{1,9})$/.exec(text) ?? []
    if (operation === '') return { rule: 'must be a list such as listApplications=100, with whole numbers' }
    if (!Object.hasOwn(OPERATIONS, operation)) {
      const near = nearest(operation, Object.keys(OPERATIONS))
      const hint = near === undefined ? '' : `; did you mean "${near}"?`
      return { rule: `must name operations of the API, which has no "${operation}"${hint}` }
    }
    rates.set(operation, Number(number))
  }
  return { value: rates }
}

/** @param unit What the number counts, for the rule's words. */
export function readWhole(least: number, most: number, unit = ''): Reader<number> {
  const rule = `must be a whole number from ${least} to ${most}${unit === '' ? '' : ` (${unit})`}`
  return loose => {
    const value = typeof loose === 'string' && /^\d{1,15}$/.test(loose) ? Number(loose) : loose
    return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? { value }
      : { rule }
  }
}

const UNITS_MS: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `3m`, `1h30m`, `7d` → milliseconds. A bare number is refused: nobody can see its unit. */
export function readDuration(leastMs: number, mostMs: number): Reader<number> {
  const rule = `must be a duration like 90s, 3m or 1h30m, from ${durationText(leastMs)} to ${durationText(mostMs)}`
  return loose => {
    if (typeof loose !== 'string' || !/^(\d{1,9}(ms|s|m|h|d))+$/.test(loose)) return { rule }
    let total = 0
    for (const [, count, unit] of loose.matchAll(/(\d+)(ms|s|m|h|d)/g)) total += Number(count) * UNITS_MS[unit!]!
    return total >= leastMs && total <= mostMs ? { value: total } : { rule }
  }
}

export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const)
    if (ms > 0 && ms % UNITS_MS[unit]! === 0) return `${ms / UNITS_MS[unit]!}${unit}`
  return ms === 0 ? '0s' : `${ms}ms`
}

export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:8443`, `[::1]:8443`, `:8443` for every address; port 0 lets the system choose. */
export const readListen: Reader<ListenAddress> = loose => {
  const rule = 'must be an address and a port, like 0.0.0.0:8443 or [::1]:8443'
  const parts = typeof loose === 'string' ? /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(loose.trim()) : null
  if (parts === null) return { rule }
  const bracketed = parts[1]!.startsWith('[')
  const host = bracketed ? parts[1]!.slice(1, -1) : parts[1]!
  const port = Number(parts[2])
  if (port > 65_535 || (bracketed && isIP(host) !== 6)) return { rule }
  if (!bracketed && host !== '' && !/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host)) return { rule }
  return { value: { host: host === '' ? '::' : host, port } }
}

/** The URL under which agents and people reach the hub: https, or http on the machine itself. */
export const readPublicUrl: Reader<string> = loose => {
  const rule = 'must be a URL like https://hub.example.com, without user, query or fragment'
  if (typeof loose !== 'string' || !URL.canParse(loose)) return { rule }
  const url = new URL(loose)
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  if (!plain || !['https:', 'http:'].includes(url.protocol)) return { rule }
  return { value: loose.replace(/\/+$/, '') }
}

/** Whose X-Forwarded-For is believed: `loopback`, `10.0.0.7`, `10.0.0.0/8, fd00::/8`. */
export const readProxies: Reader<string> = loose => {
  const rule = 'must be loopback, linklocal, uniquelocal, addresses or networks, with commas between'
  if (typeof loose !== 'string') return { rule }
  const parts = loose.split(',').map(part => part.trim())
  return parts.every(isProxy) ? { value: parts.join(', ') } : { rule }
}

function isProxy(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  const [address = '', length, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (version === 4 ? 32 : 128))
}

/** Networks by address and length: `127.0.0.0/8`, `fd00::/8`, or a single address. */
export const readNetworks: Reader<readonly string[]> = loose => {
  const values = typeof loose === 'string' ? loose.split(',').map(part => part.trim()) : loose
  const right =
    Array.isArray(values) &&
    values.every(value => typeof value === 'string' && /^[\d[a-f:.]/i.test(value) && isProxy(value))
  return right ? { value: values as string[] } : { rule: 'must be a list of networks like 10.0.0.0/8 or fd00::/8' }
}

/** Whether only this machine can reach that address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
