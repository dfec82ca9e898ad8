import { BlockList, isIP } from 'node:net'

/** The variables that proxies are configured with; capital and small letters mean the same. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for a URL by the environment's custom: `HTTPS_PROXY` or `HTTP_PROXY` by the URL's scheme, else
 * `ALL_PROXY`, unless `NO_PROXY` names the host: `*`, a name with all below it, an address or a CIDR, each with an
 * optional port.
 *
 * @throws TypeError for a proxy that is no URL.
 */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const variable = (name: string): string | undefined => environment[name.toLowerCase()] || environment[name]
  const proxy = variable(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? variable('ALL_PROXY')
  if (!proxy || isExempt(url, variable('NO_PROXY') ?? '')) return undefined
  return new URL(proxy.includes('://') ? proxy : `http://${proxy}`)
}

function isExempt(url: URL, noProxy: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return noProxy
    .split(/[\s,]+/)
    .filter(entry => entry !== '')
    .some(entry => matches(entry.toLowerCase(), host, port))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const withPort = /^(.*?[^:]):(\d+)$/.exec(entry)
  const isBareAddress = isIP(entry) !== 0
  if (withPort && !isBareAddress) return withPort[2] === port && matches(withPort[1] ?? '', host, port)
  const address = entry.replace(/^\[|\]$/g, '')
  const [network, prefix] = address.split('/', 2)
  if (prefix !== undefined && network !== undefined) return inNetwork(network, Number(prefix), host)
  if (isIP(address) !== 0) return address === host
  const name = entry.replace(/^\*?\./, '')
  return host === name || host.endsWith(`.${name}`)
}

function inNetwork(network: string, prefix: number, host: string): boolean {
  const family = isIP(network)
  if (family === 0 || isIP(host) !== family || !Number.isInteger(prefix)) return false
  if (prefix < 0 || prefix > (family === 4 ? 32 : 128)) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(network, prefix, type)
  return list.check(host, type)
}
