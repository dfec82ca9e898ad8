import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GitError } from '@flotilla/core/ports/git'
import { expect, it } from 'vitest'
import { withDirectory } from '../store/test-store.ts'
import { credentialsFor } from './credentials-for.ts'
import { loadHubOptions } from './load-hub-options.ts'

const none = { environment: {}, flags: {} }

it('hub.yaml and the file of the secret are read', () =>
  withDirectory(async directory => {
    await writeFile(join(directory, 'secret'), 'swordfish\n')
    const path = join(directory, 'hub.yaml')
    await writeFile(path, `webhooks: { secretFile: ${join(directory, 'secret')} }\n`)
    const loaded = await loadHubOptions({ ...none, path })
    expect(loaded.kind === 'options' ? loaded.options.webhookSecret : loaded).toBe('swordfish')
  }))

it('a file that is away, a folder, empty or huge is refused by its name', () =>
  withDirectory(async directory => {
    const path = join(directory, 'hub.yaml')
    const secret = join(directory, 'secret')
    const first = async (): Promise<string> => {
      const loaded = await loadHubOptions({ ...none, path })
      return loaded.kind === 'refused' ? `${loaded.problems[0]!.at} ${loaded.problems[0]!.message}` : 'none'
    }
    expect(await first()).toContain(`${path} cannot be read`)
    await writeFile(path, ' '.repeat(1024 * 1024 + 1))
    expect(await first()).toContain(`${path} has 1048577 bytes`)
    await writeFile(path, `webhooks: { secretFile: ${secret} }\n`)
    expect(await first()).toContain(`${secret} cannot be read`)
    await writeFile(secret, '\n')
    expect(await first()).toContain('holds no secret')
    await mkdir(join(directory, 'folder'))
    await writeFile(path, `webhooks: { secretFile: ${join(directory, 'folder')} }\n`)
    expect(await first()).toContain('cannot be read')
  }))

it('credentials are those that are named, else of the source, else of the longest URL that is above', () =>
  withDirectory(async directory => {
    const passwordFile = join(directory, 'password')
    await writeFile(passwordFile, 'first\n')
    const find = credentialsFor({
      configSources: [
        {
          name: 'platform',
          repository: 'https://git.example.com/platform/fleet.git',
          revision: 'main',
          path: '',
          trust: { kind: 'all' },
          credentials: 'source',
        },
      ],
      credentials: [
        { name: 'host', urls: ['https://git.example.com'], username: 'host' },
        { name: 'team', urls: ['https://git.example.com/team'], username: 'team', passwordFile },
        { name: 'source', urls: [], username: 'source' },
        { name: 'broken', urls: [], sshPrivateKeyFile: join(directory, 'not-there') },
      ],
    })
    const user = async (url: string, name?: string) => (await find(url, name))?.username
    expect(await user('https://git.example.com/other/x')).toBe('host')
    expect(await user('https://git.example.com/team/x.git')).toBe('team')
    expect(await user('https://git.example.com/team-of-others/x')).toBe('host')
    expect(await user('https://git.example.com.evil.org/x')).toBeUndefined()
    expect(await user('https://git.example.com/Platform/fleet')).toBe('source')
    expect(await user('https://elsewhere/x', 'host')).toBe('host')
    expect((await find('https://git.example.com/team/x'))?.password).toBe('first')
    await writeFile(passwordFile, 'second\n')
    expect((await find('https://git.example.com/team/x'))?.password).toBe('second')
    for (const name of ['nobody', 'broken']) await expect(find('https://elsewhere/x', name)).rejects.toThrow(GitError)
  }))
