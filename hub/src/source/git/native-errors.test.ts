import { describe, expect, it } from 'vitest'
import { nativeError } from './native-errors.ts'

describe('what git writes becomes a code', () => {
  const cases: Record<string, { readonly stderr: string; readonly code: string }> = {
    'a wrong password': {
      stderr: "fatal: Authentication failed for 'https://host/r.git/'",
      code: 'REPOSITORY_AUTHENTICATION_FAILED',
    },
    'no password where one is needed': {
      stderr: "fatal: could not read Username for 'https://host': terminal prompts disabled",
      code: 'REPOSITORY_AUTHENTICATION_FAILED',
    },
    'a forbidden repository': {
      stderr: "fatal: unable to access 'https://host/r.git/': The requested URL returned error: 403",
      code: 'REPOSITORY_AUTHENTICATION_FAILED',
    },
    'a missing repository over http': {
      stderr: "fatal: repository 'https://host/r.git/' not found",
      code: 'REPOSITORY_NOT_FOUND',
    },
    'a missing repository over ssh': {
      stderr:
        "fatal: '/r.git' does not appear to be a git repository\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights",
      code: 'REPOSITORY_NOT_FOUND',
    },
    'a server in trouble': {
      stderr: "fatal: unable to access 'https://host/r.git/': The requested URL returned error: 503",
      code: 'REPOSITORY_UNREACHABLE',
    },
    'a name that does not resolve': {
      stderr: "fatal: unable to access 'https://host/': Could not resolve host: host",
      code: 'REPOSITORY_UNREACHABLE',
    },
    'ssh that cannot connect': {
      stderr: 'ssh: connect to host host port 22: Connection refused\nfatal: Could not read from remote repository.',
      code: 'REPOSITORY_UNREACHABLE',
    },
    'an unknown host key': {
      stderr:
        'No ED25519 host key is known for [host]:2222 and you have requested strict checking.\nHost key verification failed.\nfatal: Could not read from remote repository.',
      code: 'REPOSITORY_HOST_KEY_UNKNOWN',
    },
    'a key that is refused': {
      stderr: 'git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.',
      code: 'REPOSITORY_AUTHENTICATION_FAILED',
    },
    'a certificate that is not trusted': {
      stderr: "fatal: unable to access 'https://host/': server certificate verification failed. CAfile: none",
      code: 'REPOSITORY_UNREACHABLE',
    },
    'words that nobody foresaw': { stderr: 'fatal: the moon is full', code: 'REPOSITORY_UNREACHABLE' },
    'no words at all': { stderr: '', code: 'REPOSITORY_UNREACHABLE' },
  }
  for (const [name, { stderr, code }] of Object.entries(cases)) {
    it(name, () => expect(nativeError('https://host/r.git', stderr).code).toBe(code))
  }

  it('and no credentials that a URL in it may hold', () => {
    const error = nativeError('x', "fatal: unable to access 'https://ann:s3cret@host/r.git/': Connection refused")
    expect(`${error.message}${(error.cause as Error).message}`).not.toContain('s3cret')
  })
})
