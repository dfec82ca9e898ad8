/** The process' variables, of which those of proxies count. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxy that stands between, by `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` in either case; undefined without one.
 * It is decided here and not by the socket: what goes without a proxy has its addresses checked.
 */
export function proxyFor(url: URL, environment: ProxyEnvironment): string | undefined {
  const read = (name: string): string | undefined => environment[name.toLowerCase()] || environment[name] || undefined
  const proxy = url.protocol === 'https:' ? read('HTTPS_PROXY') : read('HTTP_PROXY')
  if (proxy === undefined) return undefined
  const host = url.hostname.toLowerCase()
  const direct = (read('NO_PROXY') ?? '').toLowerCase().split(/[\s,]+/)
  const isDirect = direct.some(entry => {
    const [name = '', port] = entry.replace(/^\*?\./, '').split(':')
    if (entry === '*') return true
    if (name === '' || (port !== undefined && port !== portOf(url))) return false
    return host === name || host.endsWith(`.${name}`)
  })
  return isDirect ? undefined : proxy
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port
}
