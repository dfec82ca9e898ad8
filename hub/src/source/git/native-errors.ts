import type { GitError, GitErrorCode } from '@flotilla/core/ports/git'
import { gitError } from './git-errors.ts'

interface Rule {
  readonly says: RegExp
  readonly code: GitErrorCode
  readonly message: string
}

/** What git and ssh write in English (`LC_ALL=C`), most telling first. */
const RULES: readonly Rule[] = [
  {
    says: /host key verification failed|no [A-Z0-9-]+ host key is known|host identification has changed/i,
    code: 'REPOSITORY_HOST_KEY_UNKNOWN',
    message: 'the host key of the ssh server is not among the known hosts given for this repository',
  },
  {
    says: /permission denied \(|error in libcrypto|load key .*: |too many authentication failures/i,
    code: 'REPOSITORY_AUTHENTICATION_FAILED',
    message: 'the ssh server refused the key',
  },
  {
    says: /authentication failed|could not read (username|password)|returned error: 40[13]\b|invalid credentials/i,
    code: 'REPOSITORY_AUTHENTICATION_FAILED',
    message: 'the server refused the credentials',
  },
  {
    says: /returned error: (404|410)\b|repository '.*' not found|repository not found|does not appear to be a git repository|not a git repository|not valid: is this a git repository|no such file or directory|does not exist|could not read from remote repository/i,
    code: 'REPOSITORY_NOT_FOUND',
    message: 'no Git repository there, or none that these credentials may see',
  },
  {
    says: /transport '.*' not allowed|unable to find remote helper|is not a git command/i,
    code: 'URL_UNSUPPORTED',
    message: 'this transport is not allowed',
  },
]

/** Must come before the others: ssh's last words are always "could not read from remote repository". */
const UNREACHABLE =
  /could not resolve|couldn't connect|failed to connect|connection (refused|reset|timed out|closed)|timed out|network is unreachable|no route to host|operation too slow|returned error: (5\d\d|429)|empty reply|certificate|ssl|tls|gnutls|early eof|hung up|rpc failed|unexpected disconnect/i

/** Signs that the fault is in our mirror, not at the server. */
const CORRUPT =
  /bad object|object file .* is empty|loose object .* is corrupt|packfile .* (is|cannot)|index file .* (is|too small|corrupt)|inflate: data stream error|pack has .* unresolved|missing blob|missing tree|unable to read (tree|sha1 file)|invalid .* ref|bad ref|dangling symref|did not send all necessary objects|not a git repository: '/i

/** A failed run of git as one of the port's codes. Its words are reduced to a line that holds no credentials. */
export function nativeError(subject: string, stderr: string): GitError {
  const detail = detailOf(stderr)
  for (const rule of RULES.slice(0, 3))
    if (rule.says.test(stderr)) return gitError(rule.code, subject, rule.message, detail)
  if (UNREACHABLE.test(stderr)) return gitError('REPOSITORY_UNREACHABLE', subject, lineOf(stderr, UNREACHABLE), detail)
  for (const rule of RULES.slice(3))
    if (rule.says.test(stderr)) return gitError(rule.code, subject, rule.message, detail)
  return gitError('REPOSITORY_UNREACHABLE', subject, lineOf(stderr, /fatal|error/i), detail)
}

export function saysCorrupt(stderr: string): boolean {
  return CORRUPT.test(stderr)
}

function lineOf(stderr: string, sign: RegExp): string {
  const lines = stderr.split('\n')
  const line =
    lines.find(text => sign.test(text)) ?? lines.find(text => text.trim() !== '') ?? 'git failed without a word'
  return clean(line.replace(/^(fatal|error|ssh): /i, '')).slice(0, 300)
}

function detailOf(stderr: string): Error {
  return new Error(clean(stderr).slice(0, 2000))
}

/** URLs may carry credentials where a server's own message quotes one. */
function clean(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/@\s]*@/gi, '$1')
}
