import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { GitErrorCode } from '@flotilla/core/ports/git'
import { gitError } from './git-errors.ts'
import { networkError } from './isomorphic-errors.ts'
import type { FetchRequest } from './isomorphic-fetch.ts'

export type ChildAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: GitErrorCode; readonly message: string }

const CHILD_FILE = fileURLToPath(new URL('./isomorphic-child.ts', import.meta.url))
/** What the child may see of the hub's environment: the way to the network, and nothing secret. */
const PASSED_ENVIRONMENT = /^(PATH|HOME|TMPDIR|LANG|TZ|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY)$/i

/** {@link fetchPack} in a process of its own. @throws GitError */
export function fetchPackInChild(subject: string, request: FetchRequest, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(networkError(subject, signal.reason))
    const child = fork(CHILD_FILE, [], {
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ENVIRONMENT.test(name))),
      execArgv: ['--max-old-space-size=2048'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    let answer: ChildAnswer | undefined
    const stop = () => child.kill('SIGKILL')
    signal.addEventListener('abort', stop, { once: true })
    child.once('message', message => {
      answer = message as ChildAnswer
    })
    child.once('error', error => settle(() => reject(networkError(subject, error))))
    child.once('exit', (code, killed) =>
      settle(() => {
        if (answer?.kind === 'done') return resolve()
        if (answer) return reject(gitError(answer.code, subject, answer.message))
        if (signal.aborted) return reject(networkError(subject, signal.reason))
        reject(
          gitError('REPOSITORY_UNREACHABLE', subject, `the fetching process ended early (${killed ?? `exit ${code}`})`),
        )
      }),
    )
    child.send(request)

    let settled = false
    function settle(action: () => void): void {
      if (settled) return
      settled = true
      signal.removeEventListener('abort', stop)
      action()
    }
  })
}
