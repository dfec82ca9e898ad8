import { GitError } from '@flotilla/core/ports/git'
import { describe, expect, it } from 'vitest'
import { mirrorFolder, normalisedUrl, parseRepositoryUrl } from './repository-url.ts'

describe('a repository URL', () => {
  const accepted: Record<string, object> = {
    'https://github.com/org/repo.git': {
      kind: 'http',
      url: 'https://github.com/org/repo.git',
      origin: 'https://github.com',
    },
    'http://localhost:8080/r': { kind: 'http', url: 'http://localhost:8080/r', origin: 'http://localhost:8080' },
    'https://ann:p%40ss@host/r.git': {
      kind: 'http',
      url: 'https://host/r.git',
      origin: 'https://host',
      inline: { username: 'ann', password: 'p@ss' },
    },
    'https://token@host/r.git': {
      kind: 'http',
      url: 'https://host/r.git',
      origin: 'https://host',
      inline: { username: 'token' },
    },
    'ssh://git@Host:2222/org/r.git': { kind: 'ssh', url: 'ssh://git@host:2222/org/r.git' },
    'ssh://git@host:22/~ann/r%20x': { kind: 'ssh', url: 'ssh://git@host/~ann/r%20x' },
    'git@GitHub.com:org/repo.git': { kind: 'ssh', url: 'git@github.com:org/repo.git' },
    'host:repo': { kind: 'ssh', url: 'host:repo' },
    'file:///srv/git/r.git': { kind: 'local', url: '/srv/git/r.git', path: '/srv/git/r.git' },
    '/srv/git/../git/r.git': { kind: 'local', url: '/srv/git/r.git', path: '/srv/git/r.git' },
  }
  for (const [url, is] of Object.entries(accepted)) {
    it(`${url} is read`, () => expect(parseRepositoryUrl(url)).toEqual(is))
  }

  const refused: Record<string, RegExp> = {
    '': /empty/,
    '-oProxyCommand=id': /may not begin with "-"/,
    '--upload-pack=id': /may not begin with "-"/,
    'ext::sh -c id': /scheme "ext" is not supported/,
    'fd::17/foo': /scheme "fd" is not supported/,
    'git://host/r.git': /scheme "git" is not supported/,
    'ftp://host/r.git': /scheme "ftp" is not supported/,
    'ssh://-oProxyCommand=id/r': /cannot be read|not valid/,
    'ssh://-x@host/r': /not valid/,
    'ssh://host': /names no repository/,
    'git@-oProxyCommand=id:r': /may begin with "-"/,
    '-x@host:r': /may not begin with "-"/,
    'host:-r': /may begin with "-"/,
    'ssh://host/%0aid': /control character/,
    'https://host/r\nx': /no spaces or control characters/,
    'https://host/r?x=1': /no query/,
    'https://ho%zz/r': /cannot be read/,
    'file://elsewhere/r.git': /names no host/,
    'file:///srv/%00': /not valid|NUL/,
    'org/repo': /not a repository URL/,
    'just-a-word': /not a repository URL/,
  }
  for (const [url, message] of Object.entries(refused)) {
    it(`${JSON.stringify(url)} is refused`, () => {
      expect(() => parseRepositoryUrl(url)).toThrow(message)
      expect(() => parseRepositoryUrl(url)).toThrow(GitError)
    })
  }

  it('never shows its password in what is refused', () => {
    for (const url of ['https://ann:s3cret@ho st/r', 'https://ann:s3cret@host/r?x', 'ftp://ann:s3cret@host/r']) {
      expect(() => parseRepositoryUrl(url)).toThrow(expect.not.stringContaining('s3cret') as unknown as string)
      try {
        parseRepositoryUrl(url)
      } catch (error) {
        expect(String((error as Error).stack) + String((error as Error).cause)).not.toContain('s3cret')
      }
    }
  })
})

describe('the name of a mirror', () => {
  it('is one for all spellings of a repository', () => {
    const spellings = [
      'https://Host/org/r.git',
      'https://host:443/org/r',
      'HTTPS://host/org/r/',
      'https://a:b@host/org/r.git',
    ]
    expect(new Set(spellings.map(normalisedUrl))).toEqual(new Set(['https://host/org/r']))
    expect(new Set(spellings.map(mirrorFolder)).size).toBe(1)
  })

  it('differs where the repository may differ', () => {
    const urls = [
      'https://host/org/r',
      'http://host/org/r',
      'https://host/Org/r',
      'ssh://git@host/org/r',
      'ssh://ann@host/org/r',
    ]
    expect(new Set(urls.map(mirrorFolder)).size).toBe(urls.length)
  })

  it('holds nothing that a file system could take amiss', () => {
    expect(mirrorFolder('https://host/org/..%2f..%2fetc')).toMatch(/^[0-9a-f]{32}-[A-Za-z0-9_-]*$/)
  })
})
