import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import { expect, it } from 'vitest'
import { startHub } from './start-hub.ts'
import { silentLog, withDirectory } from './store/test-store.ts'

it('a store whose hub.key is missing is told, because a volume may be what is missing', () =>
  withDirectory(async directory => {
    const warnings: string[] = []
    const start = async () => {
      const log = { ...silentLog, warn: (message: string) => void warnings.push(message), child: () => log }
      const hub = await startHub(
        {
          dataDirectory: directory,
          listen: { host: '127.0.0.1', port: 0 },
          version: '0.0.0',
          configSources: [],
          gitBinary: false,
        },
        { clock: createClock(globalThis), random: seededRandom(1), log },
      )
      await hub.stop()
    }
    await start()
    await start()
    expect(warnings).toEqual([])
    await rename(join(directory, 'hub.key'), join(directory, 'hub.key.elsewhere'))
    await start()
    expect(warnings).toEqual([
      expect.stringMatching(/hub\.key is missing: new keys were made.*put the old hub\.key back/),
    ])
  }))
