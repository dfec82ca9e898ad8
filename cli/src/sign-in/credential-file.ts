import { chmod, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isJsonObject, type JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import type { CliContext } from '../context.ts'
import { failure } from '../errors.ts'

/** What `flotilla login` keeps of one hub. */
export interface KeptCredential {
  /** `session`: the hub's own token; `id-token`: the identity provider's, which is renewed. */
  readonly kind: 'session' | 'id-token'
  readonly token: string
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly issuer?: string
  readonly clientId?: string
  readonly refreshToken?: string
}

export interface KeptCredentials {
  /** The hub that is meant where none is named: that of the last login. */
  readonly current?: string
  readonly hubs: { readonly [url: string]: KeptCredential }
}

const NOTHING: KeptCredentials = { hubs: {} }
/** Whoever holds the lock for longer has died. */
const LOCK_MS = 30_000
const LOCK_WAIT_MS = 50
const LOCK_TRIES = 1_200

/** Where they are kept; undefined where nobody has a home. */
export function credentialFile({ env, cwd }: Pick<CliContext, 'env' | 'cwd'>): string | undefined {
  const named = env['FLOTILLA_CREDENTIALS']
  if (named !== undefined && named !== '') return resolve(cwd, named)
  const folder = env['XDG_CONFIG_HOME'] || (env['HOME'] ? join(env['HOME'], '.config') : undefined)
  return folder === undefined ? undefined : join(folder, 'flotilla', 'credentials.json')
}

/**
 * What is kept; nothing where there is no file.
 *
 * @throws CliError where others may read the file, or it holds something else.
 */
export async function readCredentials(context: CliContext): Promise<KeptCredentials> {
  const path = credentialFile(context)
  if (path === undefined) return NOTHING
  let text: string
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) throw failure(`${path}: others on this machine may read it`, `chmod 600 ${path}`)
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return NOTHING
    throw error
  }
  const kept = readJson(text)
  if (kept === undefined) throw failure(`${path} holds no credentials`, 'remove it, and log in again')
  return kept
}

/** Changes what is kept, one command after the other: a refresh token is often good for one use. @throws CliError */
export async function changeCredentials(
  context: CliContext,
  change: (kept: KeptCredentials) => Promise<KeptCredentials> | KeptCredentials,
): Promise<KeptCredentials> {
  const path = credentialFile(context)
  if (path === undefined) throw failure('there is nowhere to keep it', 'set HOME, or FLOTILLA_CREDENTIALS to a file')
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const unlock = await lock(`${path}.lock`, context)
  try {
    const next = await change(await readCredentials(context))
    const beside = `${path}.new`
    await writeFile(beside, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 })
    // Whatever mode a file had that was there before.
    await chmod(beside, 0o600)
    await rename(beside, path)
    return next
  } finally {
    await unlock()
  }
}

/** One that stays the same for half a minute is of a command that died; its own time may be of another clock. */
async function lock(path: string, { clock }: CliContext): Promise<() => Promise<void>> {
  let seen: { readonly mtimeMs: number; readonly at: number } | undefined
  for (let tried = 0; tried < LOCK_TRIES; tried++) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      return () => rm(path, { force: true })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const mtimeMs = await stat(path).then(
      found => found.mtimeMs,
      () => undefined,
    )
    const at = clock.monotonicMs()
    if (mtimeMs !== undefined && seen?.mtimeMs !== mtimeMs) seen = { mtimeMs, at }
    else if (seen !== undefined && at - seen.at > LOCK_MS) await rm(path, { force: true })
    await clock.sleep(LOCK_WAIT_MS)
  }
  throw failure(`${path}: another command holds it`, 'remove it if none runs')
}

function readJson(text: string): KeptCredentials | undefined {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (!isJsonObject(value as JsonObject)) return undefined
  const { hubs, current } = value as JsonObject
  if (!isJsonObject(hubs)) return undefined
  for (const kept of Object.values(hubs)) {
    if (!isJsonObject(kept) || typeof kept['token'] !== 'string' || typeof kept['expiresAt'] !== 'number')
      return undefined
  }
  return { hubs: hubs as unknown as KeptCredentials['hubs'], ...(typeof current === 'string' && { current }) }
}
