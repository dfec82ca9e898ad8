import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FixtureRepository } from './git/testing/fixture-repository.ts'
import { type MirrorSettings, openMirrors } from './open-mirrors.ts'

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
let folder: string
let local: FixtureRepository

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-mirrors-'))
  local = await FixtureRepository.make()
  await local.commit({ files: { 'a.txt': 'a' } })
})

afterEach(async () => {
  await local.remove()
  await rm(folder, { recursive: true, force: true })
})

async function fetchLocal(localRepositories: MirrorSettings['localRepositories']) {
  const clock = new VirtualClock({ startAt: 0, settle: () => new Promise(resolve => setImmediate(resolve)) })
  const settings = { dataDirectory: folder, localRepositories, pollIntervalMs: () => 60_000 }
  const mirrors = await openMirrors(settings, { clock, random: seededRandom(1), log: quiet })
  await mirrors.refresh(local.path)
  const failure = mirrors.failure(local.path)
  await mirrors.close()
  return failure
}

it('a document that names a folder of the machine is refused', async () => {
  expect(await fetchLocal([])).toMatchObject({ code: 'URL_UNSUPPORTED', message: expect.stringContaining('hub.yaml') })
})

it('a folder that hub.yaml names is read, however it is spelt', async () => {
  expect(await fetchLocal([`${local.path}/`])).toBeUndefined()
})

it('everything local is read where that was asked for', async () => {
  expect(await fetchLocal('all')).toBeUndefined()
})
