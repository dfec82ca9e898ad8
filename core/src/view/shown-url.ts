/** A URL as it may be shown: `https://user:password@host/x` → `https://host/x`. What is no URL is left alone. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, (whole, scheme: string) =>
    scheme.toLowerCase() === 'ssh://' ? whole.replace(/:[^@/]*@$/, '@') : scheme,
  )
}
