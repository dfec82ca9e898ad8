import type { ChildAnswer } from './isomorphic-child-fetch.ts'
import { networkError } from './isomorphic-errors.ts'
import { type FetchRequest, fetchPack } from './isomorphic-fetch.ts'

/*
 * The process that fetches what is large: the hundreds of megabytes that indexing a pack takes go back to the system
 * when it ends, and the hub's event loop never waits for it. One request in, one answer out, over the IPC channel:
 * credentials are neither arguments nor environment.
 */

process.once('message', message => {
  const request = message as FetchRequest
  const { signal } = new AbortController()
  fetchPack(request, {}, signal).then(
    () => answer({ kind: 'done' }),
    error => {
      const { code, message: text } = networkError(request.access.url, error)
      // The class is remade on the other side; the subject and code that the message carries are cut off again.
      answer({ kind: 'failed', code, message: text.slice(request.access.url.length + 2, -(code.length + 3)) })
    },
  )
})

/** Without the hub there is nobody to fetch for. */
process.once('disconnect', () => process.exit(1))

function answer(message: ChildAnswer): void {
  process.send?.(message, () => process.exit(0))
}
