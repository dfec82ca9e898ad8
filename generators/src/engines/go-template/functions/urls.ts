import type { FunctionScope } from '../go-function.ts'
import { GoFunctionError } from '../go-function.ts'
import type { GoMap, GoValue } from '../go-value.ts'
import { quoteText } from '../printing/quote.ts'
import { define, type FunctionGroup, mapArgument, textArgument } from './define.ts'
import { kindOf } from './items.ts'
import { nilDereference } from './lists.ts'
import { readMap } from './maps.ts'
import { spendText } from './strings.ts'
import { escapeUrl, parseUrl, UrlError, type UrlParts, userText } from './url-text.ts'

/** URLs taken apart and put together, as Go reads them: a host may be empty, a scheme may be missing. */
export const URLS: FunctionGroup = {
  urlParse: define('string', ([text], scope) => {
    const url = parsed(spendText(textArgument(text), scope), 'unable to parse url')
    return {
      scheme: url.scheme,
      host: url.host,
      hostname: hostName(url.host),
      path: url.path,
      query: url.query,
      opaque: url.opaque,
      fragment: url.fragment,
      userinfo: url.user === undefined ? '' : userText(url.user),
    }
  }),
  urlJoin: define('map', ([parts], scope) => joined(mapArgument(parts), scope)),
}

function parsed(text: string, complaint: string): UrlParts {
  try {
    return parseUrl(text)
  } catch (error) {
    if (!(error instanceof UrlError)) throw error
    throw new GoFunctionError(`${complaint}: parse ${quoteText(error.text)}: ${error.message}`)
  }
}

/** Without the port, and without the brackets of an address. */
function hostName(host: string): string {
  const withoutPort = host.replace(/:\d*$/, '')
  return /^\[.*\]$/s.test(withoutPort) ? withoutPort.slice(1, -1) : withoutPort
}

function part(map: GoMap, key: string, scope: FunctionScope): string {
  if (!Object.hasOwn(map, key)) return ''
  const value: GoValue = readMap(map, key)
  if (value === null) throw nilDereference()
  if (typeof value === 'string') return spendText(value, scope)
  throw new GoFunctionError(`unable to parse ${key} key, must be of type string, but ${kindOf(value)} found`)
}

function joined(map: GoMap, scope: FunctionScope): string {
  const [scheme, host, path, query, opaque, fragment] = (
    ['scheme', 'host', 'path', 'query', 'opaque', 'fragment'] as const
  ).map(key => part(map, key, scope)) as [string, string, string, string, string, string]
  const userinfo = part(map, 'userinfo', scope)
  const user = userinfo === '' ? undefined : parsed(`proto://${userinfo}@host`, 'unable to parse userinfo in dict').user
  let text = scheme === '' ? '' : `${scheme}:`
  if (opaque !== '') text += opaque
  else {
    if (host !== '' || user !== undefined || (scheme !== '' && path !== '')) text += '//'
    if (user !== undefined) text += `${userText(user)}@`
    text += escapeUrl(host, 'host') + pathAfter(text === '', host, path)
  }
  if (query !== '') text += `?${query}`
  if (fragment !== '') text += `#${escapeUrl(fragment, 'fragment')}`
  return spendText(text, scope)
}

function pathAfter(first: boolean, host: string, path: string): string {
  const escaped = path === '*' ? '*' : escapeUrl(path, 'path')
  if (escaped !== '' && !escaped.startsWith('/') && host !== '') return `/${escaped}`
  // A colon in the first part would make it a scheme.
  return first && host === '' && escaped.split('/')[0]!.includes(':') ? `./${escaped}` : escaped
}
