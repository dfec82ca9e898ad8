const PREFIX = '/agent/v1/'
const BUNDLES = 'bundles/'
const UPLOADS = 'uploads/'

/** What an agent may ask for. */
export type Route =
  | { readonly name: 'enrol' | 'return' | 'reports' | 'proofs' | 'key' | 'connect' }
  | { readonly name: 'documents' | 'keys' | 'poll'; readonly query: URLSearchParams }
  | { readonly name: 'bundle'; readonly digest: string }
  | { readonly name: 'upload'; readonly id: string }

/** The route of a method and a path with query; undefined for what is not there. */
export function routeOf({ method, path }: { readonly method: string; readonly path: string }): Route | undefined {
  if (!path.startsWith(PREFIX)) return undefined
  const [route = '', queryText = ''] = path.slice(PREFIX.length).split('?', 2)
  const query = new URLSearchParams(queryText)
  if (method === 'POST') {
    if (route === 'enrol' || route === 'return' || route === 'reports' || route === 'proofs') return { name: route }
    if (route === 'key') return { name: 'key' }
    if (route.startsWith(UPLOADS)) return { name: 'upload', id: route.slice(UPLOADS.length) }
    return route === 'poll' ? { name: 'poll', query } : undefined
  }
  if (method !== 'GET') return undefined
  if (route === 'documents' || route === 'keys' || route === 'poll') return { name: route, query }
  if (route === 'connect') return { name: 'connect' }
  return route.startsWith(BUNDLES) ? { name: 'bundle', digest: route.slice(BUNDLES.length) } : undefined
}
