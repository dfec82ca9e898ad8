import type { ApplicationRow } from '@flotilla/core/ports/store'
import { claimantOf } from './plan-names.ts'

/** `set/platform/shop` → `platform/shop`. */
export function restOf(key: string): string {
  return key.slice(key.indexOf('/') + 1)
}

/** The document that a row written by hand comes from, as `FleetIndex.applications` names it. */
export function documentKeyOf(row: ApplicationRow): string {
  return restOf(claimantOf(row))
}
