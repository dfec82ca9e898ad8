import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectId } from '@flotilla/core/ports/git'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nativeBackend } from './native-backend.ts'
import { FixtureRepository } from './testing/fixture-repository.ts'
import { HttpGitServer, type HttpGitServerOptions } from './testing/http-git-server.ts'

let fixture: FixtureRepository
let directory: string
const cleanUp: (() => Promise<void>)[] = []

beforeEach(async () => {
  fixture = await FixtureRepository.make()
  directory = await mkdtemp(join(tmpdir(), 'flotilla-small-'))
})
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step()
  await fixture.remove()
  await rm(directory, { recursive: true, force: true })
})

/** A mirror over HTTP whose git program writes down what it is asked. */
async function mirror(intercept: HttpGitServerOptions['intercept'] = () => false) {
  const server = await HttpGitServer.start({ root: fixture.root, intercept })
  cleanUp.push(() => server.close())
  const [gitBinary, log] = [join(directory, 'git'), join(directory, 'log')]
  await writeFile(gitBinary, `#!/bin/sh\necho "$*" >> ${log}\nexec git "$@"\n`)
  await chmod(gitBinary, 0o755)
  const repository = await nativeBackend({ gitBinary }).open(server.url('fleet.git'), join(directory, 'mirror'))
  cleanUp.push(() => repository.close())
  await repository.fetch()
  /** What the program is asked from now on, without the folder. */
  const asked = async () => {
    const lines = (await readFile(log, 'utf8')).split('\n').filter(line => !line.includes('cat-file'))
    return lines.flatMap(line => /^--git-dir=\S+ (\S+)/.exec(line)?.[1] ?? [])
  }
  await writeFile(log, '')
  return { repository, asked }
}

const SMALL = ['index-pack', 'update-ref']

describe('a small change', () => {
  it('is taken in two processes, without the fetch of the program', async () => {
    await fixture.commit({ files: { 'apps/one/a': '1', 'apps/two/b': '2' } })
    const { repository, asked } = await mirror()
    const id = await fixture.commit({ files: { 'apps/one/a': 'changed' } })
    await repository.fetch()
    expect(await asked()).toEqual(SMALL)
    expect(await repository.resolve('main')).toBe(id)
    expect(await textAt(repository, id)).toBe('changed')
  })

  it('is two questions over one connection, once the server is known', async () => {
    await fixture.commit({ files: { 'apps/one/a': '1' } })
    const questions: (number | undefined)[] = []
    const { repository } = await mirror(request => {
      questions.push(request.socket.remotePort)
      return false
    })
    questions.length = 0
    const id = await fixture.commit({ files: { 'apps/one/a': '2' } })
    await repository.fetch()
    expect(questions).toHaveLength(2)
    expect(new Set(questions).size).toBe(1)
    expect(await repository.resolve('main')).toBe(id)
  })

  it('is asked for anew of a server that has forgotten what it spoke', async () => {
    await fixture.commit({ files: { 'apps/one/a': '1' } })
    let refusals = 0
    const { repository, asked } = await mirror((request, response) => {
      if (refusals === 0 || request.method !== 'POST') return false
      refusals--
      response.writeHead(400).end('no such command')
      return true
    })
    const id = await fixture.commit({ files: { 'apps/one/a': '2' } })
    refusals = 1
    await repository.fetch()
    expect(await asked()).toEqual(SMALL)
    expect(await repository.resolve('main')).toBe(id)
  })

  it('may be a branch that is new, one that goes back, and a tag', async () => {
    const first = await fixture.commit({ files: { 'apps/one/a': '1' } })
    const second = await fixture.commit({ files: { 'apps/one/a': '2' } })
    const { repository, asked } = await mirror()
    await fixture.git('branch', 'other', second)
    await fixture.git('tag', '-a', 'v1', '-m', 'first', first)
    await fixture.git('update-ref', 'refs/heads/main', first)
    await repository.fetch()
    expect(await asked()).toEqual(SMALL)
    expect([await repository.resolve('main'), await repository.resolve('other')]).toEqual([first, second])
    expect(await repository.resolve('v1')).toBe(first)
    await fixture.git('branch', '-D', 'other')
    await repository.fetch()
    expect((await asked()).slice(SMALL.length)).toEqual(['fetch'])
    expect(await repository.resolve('other')).toBeUndefined()
  })

  it('that lacks an object which it names is refused, and nothing has changed', async () => {
    const before = await fixture.commit({ files: { 'apps/one/a': '1' } })
    let lacking: Buffer | undefined
    const { repository, asked } = await mirror((request: IncomingMessage, response) => {
      if (!lacking || request.method !== 'POST') return false
      const body: Buffer[] = []
      request.on('data', chunk => body.push(chunk))
      request.on('end', () => {
        const listing = Buffer.concat(body).includes('ls-refs')
        const type = { 'content-type': 'application/x-git-upload-pack-result' }
        response.writeHead(200, type).end(listing ? listed(after) : lacking)
      })
      return true
    })
    const after = await fixture.commit({ files: { 'apps/one/a': 'never arrives' } })
    // The commit and its folders, without the file.
    const trees = await Promise.all(
      ['', ':apps', ':apps/one'].map(path => fixture.git('rev-parse', `${after}^{}${path}`)),
    )
    const ids = [after, ...trees, await fixture.git('rev-parse', `${after}^{tree}`)].map(id => id.trim())
    const pack = execFileSync('git', ['-C', fixture.path, 'pack-objects', '--stdout', '-q'], {
      input: `${[...new Set(ids)].join('\n')}\n`,
    })
    lacking = Buffer.concat([packet('packfile\n'), packet(Buffer.concat([Buffer.of(1), pack])), Buffer.from('0000')])
    await expect(repository.fetch()).rejects.toMatchObject({ retry: true })
    expect(await asked()).toEqual(['index-pack', 'fetch'])
    expect(await repository.resolve('main')).toBe(before)
    lacking = undefined
    await repository.fetch()
    expect(await textAt(repository, after)).toBe('never arrives')
  })
})

type Mirrored = Awaited<ReturnType<typeof mirror>>['repository']

async function textAt(repository: Mirrored, commit: ObjectId): Promise<string> {
  let tree = (await repository.readCommit(commit)).tree
  for (const name of ['apps', 'one']) tree = (await repository.readTree(tree)).find(entry => entry.name === name)!.id
  const file = (await repository.readTree(tree)).find(entry => entry.name === 'a')!
  return Buffer.from(await repository.readBlob(file.id, 100)).toString()
}

function listed(main: string): Buffer {
  const lines = [`${main} HEAD symref-target:refs/heads/main\n`, `${main} refs/heads/main\n`]
  return Buffer.concat([...lines.map(packet), Buffer.from('0000')])
}

function packet(bytes: string | Buffer): Buffer {
  const body = Buffer.from(bytes as string)
  return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body])
}
