import { GitError, type GitErrorCode } from '@flotilla/core/ports/git'

const RETRY: Readonly<Record<GitErrorCode, boolean>> = {
  REPOSITORY_UNREACHABLE: true,
  // A repository may be created, a password rotated; but the same question again gets the same answer.
  REPOSITORY_NOT_FOUND: false,
  REPOSITORY_AUTHENTICATION_FAILED: false,
  REPOSITORY_HOST_KEY_UNKNOWN: false,
  // The next fetch makes the mirror anew.
  REPOSITORY_CORRUPT: true,
  URL_UNSUPPORTED: false,
  OBJECT_MISSING: true,
  OBJECT_TOO_LARGE: false,
}

/** A GitError with the `retry` that goes with its code. */
export function gitError(code: GitErrorCode, subject: string, message: string, cause?: unknown): GitError {
  return new GitError(code, subject, message, { retry: RETRY[code], ...(cause === undefined ? {} : { cause }) })
}
