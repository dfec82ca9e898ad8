import { existsSync } from 'node:fs'
import { access, constants, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type EpochMs, isoTime } from '@flotilla/core/time/epoch-ms'
import { readHubKeyFile } from '@flotilla/hub/gateway/hub-key-file'
import { hubKeysOf } from '@flotilla/hub/gateway/hub-keys'
import { openRevocations, revocationsFile } from '@flotilla/hub/gateway/revocations'
import { loadSqlite } from '@flotilla/hub/store/load-sqlite'
import { checkVersion } from '@flotilla/hub/store/migrate-store'
import { RESTORE_READY, STORE_FILE } from '@flotilla/hub/store/store-files'
import { type Finding, failed, ok, reasonOf, skipped, warning } from './finding.ts'

export interface HubFolder {
  readonly data: string
  readonly keyFile: string
}

const MIB = 1024 * 1024
/** Below this a hub soon cannot write. */
const SPACE_FAILED_BYTES = 200 * MIB
const SPACE_WARNING_BYTES = 2_048 * MIB

/** What a hub keeps on this machine: folder, space, keys, store. Nothing of it is changed, and a hub may run on it. */
export async function checkFolder({ data, keyFile }: HubFolder, now: EpochMs): Promise<readonly Finding[]> {
  if (!existsSync(data)) {
    return [
      failed('folder', data, 'there is no such folder', 'give --data or --config; a hub makes it at its first start'),
    ]
  }
  return [
    ...(await checkPermissions(data)),
    ...(await checkSpace(data)),
    ...(await checkKeys(keyFile, data)),
    ...(await checkStore(data, now)),
  ]
}

async function checkPermissions(data: string): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  try {
    await access(data, constants.R_OK | constants.W_OK | constants.X_OK)
    findings.push(ok('folder', data, 'it can be read and written'))
  } catch (error) {
    findings.push(
      failed('folder', data, reasonOf(error), 'run as the user that the hub runs as, or give it the folder'),
    )
  }
  const { mode } = await stat(data)
  if ((mode & 0o077) !== 0)
    findings.push(warning('folder', data, 'others on this machine may look into it', `chmod 700 ${data}`))
  return findings
}

async function checkSpace(data: string): Promise<readonly Finding[]> {
  const { bavail, bsize } = await statfs(data)
  const free = bavail * bsize
  const message = `${Math.floor(free / MIB)} MiB are free`
  const hint = 'make space; a full disk makes the hub refuse writes (STORE_FULL) until there is some again'
  if (free < SPACE_FAILED_BYTES) return [failed('space', data, message, hint)]
  return [free < SPACE_WARNING_BYTES ? warning('space', data, message, hint) : ok('space', data, message)]
}

async function checkKeys(keyFile: string, data: string): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  try {
    const file = await readHubKeyFile(keyFile)
    if (file === undefined) {
      if (!existsSync(join(data, STORE_FILE))) return [skipped('key', keyFile, 'a hub makes it at its first start')]
      const hint = 'put it back from where you keep it before the hub starts; without it every agent has to enrol again'
      return [failed('key', keyFile, 'there is a store and no hub.key', hint)]
    }
    const keys = hubKeysOf(file)
    findings.push(
      ok('key', keyFile, `hub ${keys.hubId} signs with ${keys.kid}, ${file.links.length} keys in its chain`),
    )
    const { mode } = await stat(keyFile)
    if ((mode & 0o077) !== 0)
      findings.push(
        failed('key', keyFile, 'others on this machine may read it', `chmod 600 ${keyFile}; then rotate it`),
      )
  } catch (error) {
    return [failed('key', keyFile, reasonOf(error), 'restore it from where you keep it')]
  }
  try {
    await openRevocations(keyFile)
    findings.push(ok('key', revocationsFile(keyFile), 'what was revoked can be read'))
  } catch (error) {
    findings.push(failed('key', revocationsFile(keyFile), reasonOf(error), 'restore it with hub.key, or mend the line'))
  }
  return findings
}

async function checkStore(data: string, now: EpochMs): Promise<readonly Finding[]> {
  const file = join(data, STORE_FILE)
  if (existsSync(join(data, RESTORE_READY))) {
    return [failed('store', file, 'a restore did not end', 'run "flotilla hub restore … --force" again')]
  }
  if (!existsSync(file)) return [skipped('store', file, 'there is none; a hub makes it at its first start')]
  const findings: Finding[] = []
  try {
    const sqlite = await loadSqlite()
    const copy = new sqlite(file, { readonly: true, timeout: 10_000 })
    try {
      checkVersion(copy, file)
      const found = copy.pragma('quick_check(1)', { simple: true })
      findings.push(
        found === 'ok'
          ? ok('store', file, `it is whole, ${Math.ceil((await stat(file)).size / MIB)} MiB`)
          : failed('store', file, `it is damaged (${found})`, 'restore the newest backup: flotilla hub restore'),
      )
      findings.push(...checkMemory(copy, file, now))
    } finally {
      copy.close()
    }
  } catch (error) {
    findings.push(failed('store', file, reasonOf(error), 'see docs/operating.md'))
  }
  return findings
}

type Copy = InstanceType<Awaited<ReturnType<typeof loadSqlite>>>

/** What the store says of itself: whether it is behind, and when it was written last. */
function checkMemory(copy: Copy, file: string, now: EpochMs): readonly Finding[] {
  const findings: Finding[] = []
  const setting = copy.prepare("SELECT body FROM settings WHERE key = 'recovery'").pluck().get()
  const state = typeof setting === 'string' ? (JSON.parse(setting) as { readonly kind?: unknown }).kind : 'settled'
  if (state === 'behind') {
    const hint = 'look with "flotilla hub recover --show", then "flotilla hub recover"'
    findings.push(failed('recovery', file, 'STORE_BEHIND: the hub issues nothing', hint))
  } else if (state === 'recovered') {
    const hint = 'look at the list with "flotilla hub recover --show", then "flotilla hub recover --acknowledge"'
    findings.push(warning('recovery', file, 'recovered and not acknowledged: automated syncs wait', hint))
  }
  const last = copy.prepare('SELECT body FROM audit ORDER BY sequence DESC LIMIT 1').pluck().get()
  const at = typeof last === 'string' ? Number((JSON.parse(last) as { readonly at?: unknown }).at) : Number.NaN
  if (at > now + 60_000) {
    const message = `the clock of this machine is behind what was written at ${isoTime(at)}`
    findings.push(failed('clock', file, message, 'have the machine keep time (NTP) before the hub starts'))
  }
  return findings
}
