/** A browser as far as signing in goes: it keeps cookies by origin and follows redirects. */
export class TestBrowser {
  readonly #cookies = new Map<string, Map<string, string>>()

  /** The last answer, and where it came from. @param stopAt Answers of URLs that begin so are not followed. */
  async go(
    url: string,
    options: {
      readonly method?: string
      readonly body?: string
      readonly headers?: Record<string, string>
      readonly stopAt?: string
    } = {},
  ): Promise<{ readonly url: URL; readonly response: Response; readonly text: string }> {
    let next = new URL(url)
    let { method = 'GET', body } = options
    for (let hops = 0; hops < 20; hops++) {
      const headers = { ...options.headers, cookie: this.cookieHeader(next.origin) }
      const response = await fetch(next, { method, headers, redirect: 'manual', ...(body !== undefined && { body }) })
      this.#keep(next.origin, response)
      const location = response.headers.get('location')
      const text = await response.text()
      if (response.status < 300 || response.status >= 400 || location === null) return { url: next, response, text }
      const target = new URL(location, next)
      if (options.stopAt !== undefined && target.href.startsWith(options.stopAt)) return { url: target, response, text }
      next = target
      method = 'GET'
      body = undefined
    }
    throw new Error(`too many redirects, now at ${next.href}`)
  }

  cookieHeader(origin: string): string {
    return [...(this.#cookies.get(origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  cookie(origin: string, name: string): string | undefined {
    return this.#cookies.get(origin)?.get(name)
  }

  setCookie(origin: string, name: string, value: string): void {
    const kept = this.#cookies.get(origin) ?? new Map<string, string>()
    kept.set(name, value)
    this.#cookies.set(origin, kept)
  }

  #keep(origin: string, response: Response): void {
    for (const text of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = text.split(';')
      const at = pair.indexOf('=')
      const gone = attributes.some(each => /^\s*max-age=0$/i.test(each) || /expires=thu, 01 jan 1970/i.test(each))
      const kept = this.#cookies.get(origin) ?? new Map<string, string>()
      if (gone) kept.delete(pair.slice(0, at))
      else kept.set(pair.slice(0, at), pair.slice(at + 1))
      this.#cookies.set(origin, kept)
    }
  }
}
