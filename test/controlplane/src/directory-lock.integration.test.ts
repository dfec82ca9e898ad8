import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withDirectoryLock } from './directory-lock.ts'

let folder = ''
let lock = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-'))
  lock = join(folder, 'build.lock')
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('a directory lock', () => {
  it('lets one work at a time, and the other know that it waits', async () => {
    const events: string[] = []
    let finishFirst = () => {}
    const first = withDirectoryLock(
      lock,
      () => events.push('first waits'),
      () =>
        new Promise<void>(resolve => {
          events.push('first begins')
          finishFirst = () => {
            events.push('first ends')
            resolve()
          }
        }),
    )
    await expect.poll(() => events).toEqual(['first begins'])
    const second = withDirectoryLock(
      lock,
      () => {
        events.push('second waits')
        finishFirst()
      },
      async () => {
        events.push('second begins')
      },
    )
    await Promise.all([first, second])
    expect(events).toEqual(['first begins', 'second waits', 'first ends', 'second begins'])
    expect(existsSync(lock)).toBe(false)
  })

  it('is given back when the work fails', async () => {
    const failing = withDirectoryLock(
      lock,
      () => {},
      async () => {
        throw new Error('no luck')
      },
    )
    await expect(failing).rejects.toThrow('no luck')
    expect(existsSync(lock)).toBe(false)
  })

  it('that nobody has touched for long is taken', async () => {
    await mkdir(lock)
    await utimes(lock, 1, 1)
    expect(
      await withDirectoryLock(
        lock,
        () => {},
        async () => 'done',
      ),
    ).toBe('done')
  })
})
