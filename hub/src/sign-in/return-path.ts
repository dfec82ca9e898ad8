/** Longer paths are nobody's bookmark. */
const MOST_CHARACTERS = 2_000
const HERE = 'https://here.invalid'

/**
 * Where to go after signing in: a path of this hub, or `/`. What a browser would read as another host (`//evil`,
 * `/\evil`, a scheme, control characters that it strips) is not one.
 */
export function safeReturnPath(wish: string | undefined): string {
  if (wish === undefined || wish.length > MOST_CHARACTERS) return '/'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers strip them, so `/\t/evil` is `//evil`.
  if (!/^\/(?![/\\])[^\\\u0000-\u0020\u007f-\u009f]*$/.test(wish) || !URL.canParse(wish, HERE)) return '/'
  const url = new URL(wish, HERE)
  if (url.origin !== HERE || url.pathname.startsWith('//')) return '/'
  // Back to where one signs in would be a circle.
  return url.pathname.startsWith('/auth/') ? '/' : `${url.pathname}${url.search}${url.hash}`
}
