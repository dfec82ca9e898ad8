import { GitError } from '@flotilla/core/ports/git'
import { Errors } from 'isomorphic-git'
import { PackTooLarge } from './check-pack.ts'
import { gitError } from './git-errors.ts'
import { ResponseTooLarge } from './isomorphic-http.ts'

const NETWORK_CODES =
  /^(E[A-Z]+|ERR_TLS_[A-Z_]+|CERT_[A-Z_]+|[A-Z_]*CERT[A-Z_]*|UNABLE_TO_[A-Z_]+|ABORT_ERR|HPE_[A-Z_]+)$/

/** What went wrong while talking to a server, as one of the port's codes. Messages never quote a response's body. */
export function networkError(subject: string, error: unknown): GitError {
  if (error instanceof GitError) return error
  if (error instanceof ResponseTooLarge || error instanceof PackTooLarge) {
    return gitError('OBJECT_TOO_LARGE', subject, `the repository is too large to fetch: ${error.message}`, error)
  }
  if (error instanceof Errors.HttpError) return httpError(subject, error.data.statusCode, error)
  if (isNamed(error, 'SmartHttpError', 'ParseError', 'EmptyServerResponseError', 'RemoteCapabilityError')) {
    return gitError('REPOSITORY_NOT_FOUND', subject, 'the server does not answer as a Git repository', error)
  }
  const cause = error as { readonly name?: string; readonly code?: unknown; readonly message?: string }
  if (cause.name === 'TimeoutError') {
    return gitError('REPOSITORY_UNREACHABLE', subject, 'the fetch took too long', error)
  }
  if (cause.name === 'AbortError') return gitError('REPOSITORY_UNREACHABLE', subject, 'the fetch was stopped', error)
  const code = typeof cause.code === 'string' && NETWORK_CODES.test(cause.code) ? ` (${cause.code})` : ''
  return gitError('REPOSITORY_UNREACHABLE', subject, `${firstLine(cause.message)}${code}`, error)
}

export function httpError(subject: string, status: number, cause: unknown): GitError {
  if (status === 401 || status === 403) {
    const message = `the server refused the credentials (HTTP ${status})`
    return gitError('REPOSITORY_AUTHENTICATION_FAILED', subject, message, cause)
  }
  if (status === 404 || status === 410) {
    const message = `no repository there, or none that these credentials may see (HTTP ${status})`
    return gitError('REPOSITORY_NOT_FOUND', subject, message, cause)
  }
  return gitError('REPOSITORY_UNREACHABLE', subject, `the server answered HTTP ${status}`, cause)
}

function isNamed(error: unknown, ...names: string[]): boolean {
  return error instanceof Error && names.includes(error.name)
}

function firstLine(message: string | undefined): string {
  return message?.split('\n')[0]?.slice(0, 300) || 'the server cannot be reached'
}
