import type { GateRules } from '@flotilla/core/gates/rules'
import { canonicalJson, sha256 } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { StoreReader, StoreWriter } from '@flotilla/core/ports/store'

/*
 * Which rules are in force, as one number in the store. It rises in the very transaction that changes them, and a Grant
 * is stored only if it is still the one that the Grant was decided on (protocol.md 5.3).
 */

const KEY = 'gate-rules'

export async function rulesVersion(rows: StoreReader): Promise<number> {
  const version = (await rows.setting(KEY))?.['version']
  return typeof version === 'number' ? version : 0
}

/** To be called in the transaction that changes a gate or an override: what was decided on the rules before is void. */
export async function bumpRulesVersion(writer: StoreWriter): Promise<number> {
  const version = (await rulesVersion(writer)) + 1
  await writer.putSetting(KEY, { version, digest: '' })
  return version
}

/** The version of these rules: the one that is stored if they are what it stands for, and a new one otherwise. */
export async function versionOfRules(writer: StoreWriter, rules: GateRules): Promise<number> {
  const digest = sha256(canonicalJson(JSON.parse(JSON.stringify(rules)) as Json))
  const stored = await writer.setting(KEY)
  if (stored?.['digest'] === digest) return await rulesVersion(writer)
  const version = (await rulesVersion(writer)) + 1
  await writer.putSetting(KEY, { version, digest })
  return version
}
