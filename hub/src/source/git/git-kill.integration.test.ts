import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import { describe, expect, it } from 'vitest'
import { isomorphicBackend } from './isomorphic-backend.ts'
import { nativeBackend } from './native-backend.ts'
import { FixtureRepository } from './testing/fixture-repository.ts'
import { HttpGitServer } from './testing/http-git-server.ts'

const SCRIPT = fileURLToPath(new URL('./testing/fetch-again-and-again.ts', import.meta.url))
const KILLS = 8

describe('a hub killed at any instant of a fetch', () => {
  for (const backend of [isomorphicBackend(), nativeBackend()]) {
    it(`finds a whole mirror again, without the server (${backend.name})`, async () => {
      const fixture = await FixtureRepository.make()
      const server = await HttpGitServer.start({ root: fixture.root })
      const directory = await mkdtemp(join(tmpdir(), 'flotilla-kill-'))
      const random = seededRandom(7)
      const history: ObjectId[] = []
      let newest = -1
      try {
        history.push(await fixture.commit({ files: { 'a/0': '0', version: '0' } }))
        for (let kill = 1; kill <= KILLS; kill++) {
          const child = spawn(process.execPath, [SCRIPT, backend.name, server.url('fleet.git'), directory], {
            stdio: ['ignore', 'pipe', 'inherit'],
          })
          await once(child.stdout, 'data')
          // Pushes go on while it fetches; after a random number of requests it is killed.
          const until = server.requests.length + 1 + Math.floor(random.fraction() * 12)
          for (let push = 0; server.requests.length < until; push++) {
            const files = { [`a/${kill}-${push}`]: 'x'.repeat(2000), version: `${history.length}` }
            history.push(await fixture.commit({ files }))
          }
          child.kill('SIGKILL')
          await once(child, 'exit')

          const repository = await backend.open('http://127.0.0.1:9/fleet.git', directory)
          const found = await newestOf(repository, history)
          expect(found).toBeGreaterThanOrEqual(newest)
          newest = found
          await repository.close()
        }
        const repository = await backend.open(server.url('fleet.git'), directory)
        await repository.fetch()
        expect(await newestOf(repository, history)).toBe(history.length - 1)
        await repository.close()
      } finally {
        await server.close()
        await fixture.remove()
        await rm(directory, { recursive: true, force: true })
      }
    })
  }
})

/** Reads everything that the mirror's branch names; returns which of the commits it is, -1 for none yet. */
async function newestOf(repository: GitRepository, history: readonly ObjectId[]): Promise<number> {
  const commit = await repository.resolve('main')
  if (commit === undefined) return -1
  const read = async (tree: ObjectId): Promise<void> => {
    for (const entry of await repository.readTree(tree)) {
      if (entry.type === 'directory') await read(entry.id)
      else await repository.readBlob(entry.id, 10_000)
    }
  }
  await read((await repository.readCommit(commit)).tree)
  return history.indexOf(commit)
}
