import type { FileHandle } from 'node:fs/promises'
import * as nodeFiles from 'node:fs/promises'
import { join } from 'node:path'
import { type AgentState, AgentStateError } from '@flotilla/core/ports/agent-state'

const TEMPORARY = '.tmp'
const MAX_NAME_BYTES = 240

/** What of `node:fs/promises` is used here; a test brings one that dies. */
export type FolderFiles = Pick<
  typeof nodeFiles,
  'link' | 'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'rm' | 'unlink'
>

/**
 * What an agent keeps, as files of a folder that only its user can read. A value is written beside, synced and renamed
 * into place, so that a power cut leaves the old value or the new one.
 *
 * @throws AgentStateError `STATE_UNAVAILABLE` when the folder cannot be made or read.
 */
export async function openFolderState(folder: string, files: FolderFiles = nodeFiles): Promise<AgentState> {
  const state = new FolderState(folder, files)
  await state.open()
  return state
}

class FolderState implements AgentState {
  readonly #folder: string
  readonly #files: FolderFiles
  #written = 0

  constructor(folder: string, files: FolderFiles) {
    this.#folder = folder
    this.#files = files
  }

  async open(): Promise<void> {
    await this.#doing('', async () => {
      await this.#files.mkdir(join(this.#folder, TEMPORARY), { recursive: true, mode: 0o700 })
      // What a killed process was writing; nobody else writes here.
      for (const name of await this.#files.readdir(join(this.#folder, TEMPORARY))) {
        await this.#files.rm(join(this.#folder, TEMPORARY, name), { force: true })
      }
    })
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return await this.#doing(key, () => absentIfMissing(this.#files.readFile(this.#path(key))))
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#doing(key, async () => {
      try {
        await this.#replace(key, value)
      } catch (error) {
        // Another process that began on this folder cleared what we were writing.
        if (codeOf(error) !== 'ENOENT') throw error
        await this.#replace(key, value)
      }
      await this.#sync()
    })
  }

  async putIfAbsent(key: string, value: Uint8Array): Promise<Uint8Array> {
    return await this.#doing(key, async () => {
      const temporary = await this.#write(value)
      try {
        // A link, unlike a rename, refuses to replace.
        await this.#files.link(temporary, this.#path(key))
        await this.#sync()
        return Uint8Array.from(value)
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error
        return Uint8Array.from(await this.#files.readFile(this.#path(key)))
      } finally {
        await this.#files.rm(temporary, { force: true })
      }
    })
  }

  async delete(key: string): Promise<void> {
    await this.#doing(key, async () => {
      await absentIfMissing(this.#files.unlink(this.#path(key)))
      await this.#sync()
    })
  }

  async list(prefix: string): Promise<readonly string[]> {
    return await this.#doing(prefix, async () => {
      const names = await this.#files.readdir(this.#folder)
      return names
        .filter(name => name !== TEMPORARY)
        .flatMap(name => decodeName(name) ?? [])
        .filter(key => key.startsWith(prefix))
        .sort()
    })
  }

  async close(): Promise<void> {
    // Nothing is open between calls.
  }

  #path(key: string): string {
    return join(this.#folder, encodeName(key))
  }

  async #write(value: Uint8Array): Promise<string> {
    const { temporary, file } = await this.#openNew()
    try {
      await file.writeFile(value)
      await file.sync()
    } catch (error) {
      await this.#files.rm(temporary, { force: true })
      throw error
    } finally {
      await file.close()
    }
    return temporary
  }

  /** A new file under a name that no other process of this folder has taken, whatever their process ids. */
  async #openNew(): Promise<{ readonly temporary: string; readonly file: FileHandle }> {
    for (;;) {
      const temporary = join(this.#folder, TEMPORARY, `${process.pid}-${++this.#written}`)
      try {
        return { temporary, file: await this.#files.open(temporary, 'wx', 0o600) }
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error
      }
    }
  }

  async #replace(key: string, value: Uint8Array): Promise<void> {
    const temporary = await this.#write(value)
    try {
      await this.#files.rename(temporary, this.#path(key))
    } catch (error) {
      await this.#files.rm(temporary, { force: true })
      throw error
    }
  }

  async #sync(): Promise<void> {
    const folder = await this.#files.open(this.#folder, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  async #doing<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const full = ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')
      const subject = `${this.#folder} ${key}`.trim()
      throw new AgentStateError(
        full ? 'STATE_FULL' : 'STATE_UNAVAILABLE',
        subject,
        full ? 'the disk is full' : 'the folder cannot be used',
        { retry: true, cause: error },
      )
    }
  }
}

/**
 * A key as a file name: what is neither a small letter, a digit, `-` nor `_` becomes `%` and its hexadecimal bytes, so
 * that no key leaves the folder and none meets another on a disk that does not tell capitals apart.
 *
 * @throws RangeError for a key too long for a file name.
 */
export function encodeName(key: string): string {
  const name = Array.from(Buffer.from(key, 'utf8'), byte => {
    const character = String.fromCharCode(byte)
    return /[a-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
  }).join('')
  if (name.length > MAX_NAME_BYTES || name === '') throw new RangeError('a key of the state is empty or too long')
  return name
}

function decodeName(name: string): string | undefined {
  if (!/^(?:[a-z0-9_-]|%[0-9a-f]{2})+$/.test(name)) return undefined
  const bytes = name
    .match(/%[0-9a-f]{2}|./g)
    ?.map(part => (part.length === 3 ? Number.parseInt(part.slice(1), 16) : part.charCodeAt(0)))
  return Buffer.from(bytes ?? []).toString('utf8')
}

async function absentIfMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
