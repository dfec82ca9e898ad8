import { maySamePerson } from '@flotilla/core/access/second-person'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { StoreReader, StoreWriter } from '@flotilla/core/ports/store'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'

const SETTING = 'access-agreements'
/** As many people have to agree that somebody is an administrator. */
export const PEOPLE_NEEDED = 2
/** More than any installation has administrators. */
const MOST = 1_000

/** One person who agrees that a right is in force. */
export interface Agreed {
  readonly by: string
  /** By which they are known not to be the other one: what they are called may change. */
  readonly subjects: readonly string[]
  readonly at: EpochMs
  readonly comment: string
}

/** Who has agreed to a right that documents would give. */
export interface Agreement {
  /** Of the right. */
  readonly id: string
  readonly subject: string
  readonly text: string
  readonly people: readonly Agreed[]
}

export async function readAgreements(rows: StoreReader): Promise<readonly Agreement[]> {
  const list = (await rows.setting(SETTING))?.['rights']
  return Array.isArray(list) ? list.filter(isJsonObject).map(each => each as unknown as Agreement) : []
}

/** The oldest of too many are let go: their rights are held again. */
export async function putAgreements(rows: StoreWriter, agreements: readonly Agreement[]): Promise<void> {
  await rows.putSetting(SETTING, { rights: agreements.slice(-MOST) as unknown as Json } satisfies JsonObject)
}

/** Ids of the rights that enough people have agreed to. */
export function approvedOf(agreements: readonly Agreement[]): ReadonlySet<string> {
  return new Set(agreements.filter(isWhole).map(({ id }) => id))
}

/** Whether enough agree who are different people. */
export function isWhole({ people }: Agreement): boolean {
  const different: Agreed[] = []
  for (const one of people) {
    const known = different.some(other => maySamePerson({ ...one, name: one.by }, { ...other, name: other.by }))
    if (!known) different.push(one)
  }
  return different.length >= PEOPLE_NEEDED
}
