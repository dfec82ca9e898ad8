import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { GitBackend, GitCredentials, GitError } from '@flotilla/core/ports/git'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseBackend } from './choose-backend.ts'
import { isomorphicBackend } from './isomorphic-backend.ts'
import { findNativeGit, nativeBackend } from './native-backend.ts'
import { FixtureRepository } from './testing/fixture-repository.ts'
import { HttpGitServer, type HttpGitServerOptions } from './testing/http-git-server.ts'
import { makeSshKey, SshGitServer } from './testing/ssh-git-server.ts'

const run = promisify(execFile)

let fixture: FixtureRepository
let directory: string
const cleanUp: (() => Promise<void>)[] = []

beforeEach(async () => {
  fixture = await FixtureRepository.make()
  directory = await mkdtemp(join(tmpdir(), 'flotilla-mirror-'))
})
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
  await fixture.remove()
  await rm(directory, { recursive: true, force: true })
})

async function serve(options: Partial<HttpGitServerOptions> = {}): Promise<HttpGitServer> {
  const server = await HttpGitServer.start({ root: fixture.root, ...options })
  cleanUp.push(() => server.close())
  return server
}

async function open(backend: GitBackend, url: string, credentials?: GitCredentials) {
  const repository = await backend.open(url, directory, credentials)
  cleanUp.push(() => repository.close())
  return repository
}

async function fetchError(backend: GitBackend, url: string, credentials?: GitCredentials): Promise<GitError> {
  const repository = await open(backend, url, credentials)
  return repository.fetch().then(
    () => {
      throw new Error('fetched without an error')
    },
    error => error,
  )
}

for (const backend of [isomorphicBackend(), nativeBackend()]) {
  describe(`${backend.name} over http`, () => {
    const auth = { username: 'ann', password: 'correct horse' }

    it('tells a wrong password, a missing one and a forbidden repository from one that is away', async () => {
      await fixture.commit({ files: { a: '1' } })
      const server = await serve({ auth })
      const wrong = await fetchError(backend, server.url('fleet.git'), { username: 'ann', password: 'wr0ng-s3cret' })
      expect(wrong).toMatchObject({ code: 'REPOSITORY_AUTHENTICATION_FAILED', retry: false })
      expect(await fetchError(backend, server.url('fleet.git'))).toMatchObject({
        code: 'REPOSITORY_AUTHENTICATION_FAILED',
      })
      expect(`${wrong.stack}${JSON.stringify(wrong)}${(wrong.cause as Error)?.stack}`).not.toContain('wr0ng-s3cret')
    })

    for (const page of ['', '<html>please log in</html>', '<html>\n<body>\nplease log in\n</body>\n</html>\n']) {
      it(`a page ${JSON.stringify(page)} is no repository, and above all no empty one`, async () => {
        const server = await serve({
          intercept: (_request, response) => {
            response.writeHead(200, { 'content-type': 'text/html' }).end(page)
            return true
          },
        })
        expect(await fetchError(backend, server.url('fleet.git'))).toMatchObject({ code: 'REPOSITORY_NOT_FOUND' })
      })
    }

    for (const [status, code] of [
      [403, 'REPOSITORY_AUTHENTICATION_FAILED'],
      [404, 'REPOSITORY_NOT_FOUND'],
      [429, 'REPOSITORY_UNREACHABLE'],
      [500, 'REPOSITORY_UNREACHABLE'],
      [503, 'REPOSITORY_UNREACHABLE'],
    ] as const) {
      it(`HTTP ${status} is ${code}`, async () => {
        const server = await serve({
          intercept: (_request, response) => {
            response.writeHead(status).end('no')
            return true
          },
        })
        expect(await fetchError(backend, server.url('fleet.git'))).toMatchObject({ code })
      })
    }

    it('a connection that breaks in the middle of a pack is REPOSITORY_UNREACHABLE, and the next fetch works', async () => {
      await fixture.commit({ files: { a: 'x'.repeat(100_000) } })
      // Listing refs is a POST too, which git does again when it fetches.
      const ofPack = backend.name === 'native' ? 3 : 2
      let posts = 0
      const server = await serve({
        intercept: (request, response) => {
          if (request.method !== 'POST' || ++posts !== ofPack) return false
          response.writeHead(200, {
            'content-type': 'application/x-git-upload-pack-result',
            'content-length': '100000',
          })
          response.write('0008NAK\n')
          setImmediate(() => response.destroy())
          return true
        },
      })
      const repository = await open(backend, server.url('fleet.git'))
      await expect(repository.fetch()).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE', retry: true })
      expect(posts).toBe(ofPack)
      await repository.fetch()
      expect(await repository.resolve('main')).toBe(await fixture.tip())
    })

    it('gives its password to no other host that a redirect names (Fleet GHSA-hx4v-cxpf-vh8m)', async () => {
      await fixture.commit({ files: { a: '1' } })
      const seen: (string | undefined)[] = []
      const thief = await serve({
        intercept: (request, response) => {
          seen.push(request.headers.authorization)
          response.writeHead(401, { 'www-authenticate': 'Basic realm="thief"' }).end()
          return true
        },
      })
      const server = await serve({
        intercept: (request, response) => {
          response
            .writeHead(302, { location: thief.url('fleet.git') + (request.url?.replace('/fleet.git', '') ?? '') })
            .end()
          return true
        },
      })
      const error = await fetchError(backend, server.url('fleet.git'), auth)
      expect(error.code).toMatch(/^REPOSITORY_/)
      expect(seen.length).toBeGreaterThan(0)
      expect(seen.every(header => header === undefined)).toBe(true)
    })

    it('follows a redirect on its own host', async () => {
      const id = await fixture.commit({ files: { a: '1' } })
      const server = await serve({
        intercept: (request, response) => {
          if (!request.url?.startsWith('/old-name.git')) return false
          response.writeHead(301, { location: request.url.replace('old-name', 'fleet') }).end()
          return true
        },
      })
      const repository = await open(backend, server.url('old-name.git'))
      await repository.fetch()
      expect(await repository.resolve('main')).toBe(id)
    })

    it('stops when told to, in the middle of a silent server', async () => {
      const stop = new AbortController()
      const server = await serve({
        intercept: () => {
          stop.abort(new Error('enough'))
          return true
        },
      })
      const repository = await open(backend, server.url('fleet.git'))
      await expect(repository.fetch(stop.signal)).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' })
    })

    it('gives up on a server that is silent', async () => {
      const server = await serve({ intercept: () => true })
      const impatient =
        backend.name === 'native' ? nativeBackend({ fetchTimeoutMs: 300 }) : isomorphicBackend({ idleTimeoutMs: 300 })
      expect(await fetchError(impatient, server.url('fleet.git'))).toMatchObject({
        code: 'REPOSITORY_UNREACHABLE',
        retry: true,
      })
    })

    it('asks once and fetches nothing when nothing is new', async () => {
      await fixture.commit({ files: { a: '1' } })
      const server = await serve()
      const repository = await open(backend, server.url('fleet.git'))
      await repository.fetch()
      const before = server.requests.length
      await repository.fetch()
      // What the server speaks the program's backend asks once.
      expect(server.requests.length - before).toBe(backend.name === 'native' ? 1 : 2)
    })

    it('trusts a certificate authority that it is given, and no other', async () => {
      const id = await fixture.commit({ files: { a: '1' } })
      const tls = await makeCertificate()
      const server = await serve({ tls })
      const url = server.url('fleet.git')
      expect(await fetchError(backend, url)).toMatchObject({ code: 'REPOSITORY_UNREACHABLE' })
      const repository = await open(backend, url, { certificateAuthority: tls.cert })
      await repository.fetch()
      expect(await repository.resolve('main')).toBe(id)
    })

    it('leaves no credentials on disk', async () => {
      await fixture.commit({ files: { a: '1' } })
      const server = await serve({ auth })
      const repository = await open(backend, server.url('fleet.git').replace('http://', 'http://ann:correct%20horse@'))
      await repository.fetch()
      for (const name of await readdir(directory, { recursive: true, withFileTypes: true })) {
        if (!name.isFile()) continue
        const content = await readFile(join(name.parentPath, name.name), 'latin1')
        expect(content).not.toMatch(/correct|horse|YW5uOmNvcnJlY3QgaG9yc2U/)
      }
    })
  })
}

describe('isomorphic', () => {
  it('refuses a repository whose pack is too large, and says so', async () => {
    await fixture.commit({ files: { a: await randomText(300_000) } })
    const server = await serve()
    const error = await fetchError(isomorphicBackend({ maxPackBytes: 100_000 }), server.url('fleet.git'))
    expect(error).toMatchObject({ code: 'OBJECT_TOO_LARGE', retry: false })
  })

  it('refuses an object that a small pack inflates to, before it is inflated', async () => {
    await fixture.commit({ files: { a: '1' } })
    const server = await serve()
    const repository = await open(isomorphicBackend({ maxObjectBytes: 1_000_000 }), server.url('fleet.git'))
    await repository.fetch()
    const before = await repository.resolve('main')
    await fixture.commit({ files: { bomb: new Uint8Array(5_000_000) } })
    await expect(repository.fetch()).rejects.toMatchObject({
      code: 'OBJECT_TOO_LARGE',
      message: expect.stringContaining('an object has 5000000 bytes, the limit is 1000000'),
    })
    expect(await repository.resolve('main')).toBe(before)
    // As a change of a few bytes to a file that is there, too: applied, it is as large.
    const small = isomorphicBackend({ maxObjectBytes: 50_000 })
    const text = await randomText(30_000)
    await fixture.git('update-ref', 'refs/heads/main', before ?? '')
    await fixture.commit({ files: { grows: text } })
    await fixture.commit({ files: { grows: text + text } })
    await fixture.git('gc', '--quiet', '--prune=now')
    expect(await fetchError(small, server.url('fleet.git'))).toMatchObject({ code: 'OBJECT_TOO_LARGE' })
  })

  it('hands a large increment to the child process', async () => {
    await fixture.commit({ files: { a: '1' } })
    const server = await serve()
    const repository = await open(isomorphicBackend({ inProcessBytes: 10_000 }), server.url('fleet.git'))
    await repository.fetch()
    await fixture.commit({ files: { b: await randomText(100_000) } })
    await repository.fetch()
    const packs = server.requests.filter(request => request === 'POST /fleet.git/git-upload-pack')
    // One listing each, one pack for the first fetch; the increment was begun here and fetched whole by the child.
    expect(packs).toHaveLength(5)
    expect(await repository.resolve('main')).toBe(await fixture.tip())
  })

  it('cannot speak ssh, and says what would', async () => {
    await expect(isomorphicBackend().open('git@host:r.git', directory)).rejects.toMatchObject({
      code: 'URL_UNSUPPORTED',
      message: expect.stringContaining('ssh needs the git program'),
    })
  })
})

describe('native over ssh', () => {
  const key = makeSshKey()

  async function serveSsh() {
    const server = await SshGitServer.start(fixture.root, key)
    cleanUp.push(() => server.close())
    return server
  }

  it('refuses a host whose key nobody gave it (Fleet GHSA-xgpc-q899-67p8)', async () => {
    const server = await serveSsh()
    const url = server.url('fleet.git')
    expect(await fetchError(nativeBackend(), url, { sshPrivateKey: key.privateKey })).toMatchObject({
      code: 'REPOSITORY_HOST_KEY_UNKNOWN',
      retry: false,
    })
    const other = `[127.0.0.1]:${server.port} ${makeSshKey().publicKey}\n`
    const changed = { sshPrivateKey: key.privateKey, sshKnownHosts: other }
    expect(await fetchError(nativeBackend(), url, changed)).toMatchObject({ code: 'REPOSITORY_HOST_KEY_UNKNOWN' })
    expect(server.commands).toEqual([])
  })

  it('tells a wrong key, and none, from a missing repository', async () => {
    const server = await serveSsh()
    const sshKnownHosts = server.knownHosts
    for (const credentials of [
      { sshKnownHosts, sshPrivateKey: makeSshKey().privateKey },
      { sshKnownHosts, sshPrivateKey: 'not a key' },
      { sshKnownHosts },
    ]) {
      expect(await fetchError(nativeBackend(), server.url('fleet.git'), credentials)).toMatchObject({
        code: 'REPOSITORY_AUTHENTICATION_FAILED',
      })
    }
  })

  it('speaks from a folder whose name has spaces and quotes', async () => {
    const id = await fixture.commit({ files: { a: '1' } })
    const server = await serveSsh()
    const odd = join(directory, `a "b" 'c' $d`)
    const credentials = {
      sshPrivateKey: key.privateKey.replaceAll('\n', '\r\n').trimEnd(),
      sshKnownHosts: server.knownHosts,
    }
    const repository = await nativeBackend().open(server.url('fleet.git'), odd, credentials)
    cleanUp.push(() => repository.close())
    await repository.fetch()
    expect(await repository.resolve('main')).toBe(id)
  })

  it('removes the key file when the fetch is over, also when it failed', async () => {
    const server = await serveSsh()
    await fetchError(nativeBackend(), server.url('missing.git'), {
      sshPrivateKey: key.privateKey,
      sshKnownHosts: server.knownHosts,
    })
    expect(await readdir(join(directory, 'native'))).toEqual([])
  })
})

describe('native', () => {
  it('puts no credentials on a command line', async () => {
    const stop = new AbortController()
    const lines: string[] = []
    const server = await serve({
      intercept: (_request, response) => {
        lines.push(...commandLines())
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
        return true
      },
    })
    const url = server.url('fleet.git').replace('http://', 'http://ann:s3cret-word@')
    const repository = await open(nativeBackend(), url)
    await expect(repository.fetch(stop.signal)).rejects.toMatchObject({ code: 'REPOSITORY_AUTHENTICATION_FAILED' })
    expect(lines.some(line => line.includes('ls-remote'))).toBe(true)
    expect(lines.filter(line => line.includes('s3cret-word'))).toEqual([])
  })

  it('runs nothing that the configuration of a repository read in place names', async () => {
    const id = await fixture.commit({ files: { a: '1' } })
    const trace = join(directory, 'was-run')
    for (const [name, value] of [
      ['core.fsmonitor', `touch ${trace}`],
      ['core.sshCommand', `touch ${trace}`],
      ['remote.origin.url', `ext::touch ${trace}`],
      ['remote.origin.promisor', 'true'],
      ['extensions.partialClone', 'origin'],
      ['core.hooksPath', directory],
    ] as const) {
      await run('git', ['-C', fixture.path, 'config', name, value])
    }
    const repository = await open(nativeBackend(), fixture.path)
    await repository.fetch()
    expect(await repository.resolve('main')).toBe(id)
    await expect(repository.readTree('1'.repeat(40))).rejects.toMatchObject({ retry: true })
    expect(await readdir(directory)).toEqual([])
  })

  it('goes on when its reading process is killed', async () => {
    await fixture.commit({ files: { a: 'one', b: 'two' } })
    const repository = await open(nativeBackend(), fixture.path)
    await repository.fetch()
    const { tree } = await repository.readCommit((await repository.resolve('main'))!)
    const [a, b] = await repository.readTree(tree)
    expect(Buffer.from(await repository.readBlob(a!.id, 10)).toString()).toBe('one')
    const killed = childrenNamed('cat-file')
    expect(killed).toHaveLength(1)
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    expect(Buffer.from(await repository.readBlob(b!.id, 10)).toString()).toBe('two')
    expect(childrenNamed('cat-file')).not.toEqual(killed)
  })

  it('says that the program is missing, or what version it has', async () => {
    expect(await findNativeGit()).toMatchObject({ kind: 'found', version: expect.stringMatching(/^\d+\.\d+/) })
    expect(await findNativeGit('/nonexistent/git')).toMatchObject({ kind: 'missing' })
    await fixture.commit({ files: { a: '1' } })
    const backend = nativeBackend({ gitBinary: '/nonexistent/git' })
    const server = await serve()
    expect(await fetchError(backend, server.url('fleet.git'))).toMatchObject({ code: 'REPOSITORY_UNREACHABLE' })
  })

  it('leaves no process behind', async () => {
    await fixture.commit({ files: { a: '1' } })
    const repository = await nativeBackend().open(fixture.path, directory)
    await repository.fetch()
    await repository.resolve('main')
    expect(childrenNamed('cat-file')).toHaveLength(1)
    await repository.close()
    expect(childrenNamed('cat-file')).toEqual([])
  })
})

describe('which backend', () => {
  const isomorphic = isomorphicBackend()
  const native = nativeBackend()

  it('is the git program where it is there, and JavaScript otherwise', () => {
    expect(chooseBackend('https://host/r', { native, isomorphic }).name).toBe('native')
    expect(chooseBackend('https://host/r', { isomorphic }).name).toBe('isomorphic')
    expect(chooseBackend('/srv/r.git', { isomorphic }).name).toBe('isomorphic')
    expect(chooseBackend('git@host:r', { native, isomorphic }).name).toBe('native')
    expect(() => chooseBackend('git@host:r', { isomorphic })).toThrow(/ssh needs the git program/)
    expect(() => chooseBackend('ext::sh', { native, isomorphic })).toThrow(/URL_UNSUPPORTED/)
  })
})

/** Processes of this one, by a word of their command line. */
function childrenNamed(word: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
      } catch {
        // It ended meanwhile.
        return false
      }
    })
    .map(Number)
}

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
      } catch {
        return []
      }
    })
}

async function randomText(bytes: number): Promise<string> {
  const { stdout } = await run('bash', ['-c', `head -c ${bytes} /dev/urandom | base64`], { maxBuffer: bytes * 2 })
  return stdout
}

async function makeCertificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-tls-'))
  cleanUp.push(() => rm(folder, { recursive: true, force: true }))
  const subject = ['-subj', '/CN=git', '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', join(folder, 'key')]
  await run('openssl', ['req', '-x509', ...key, '-out', join(folder, 'cert'), '-days', '2', ...subject])
  return { key: await readFile(join(folder, 'key'), 'utf8'), cert: await readFile(join(folder, 'cert'), 'utf8') }
}
