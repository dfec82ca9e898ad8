/** One sync window that concerns an Application, as far as the verdict asks. */
export interface WindowNow {
  readonly effect: 'allow' | 'deny'
  readonly active: boolean
  readonly manualSync: boolean
  readonly syncOverrun: boolean
}

export interface WindowVerdict {
  readonly allowed: boolean
  /** Which of the windows hold it; empty when none does. */
  readonly blocking: 'denies' | 'inactive-allows' | 'none'
}

/**
 * The decision over all windows that concern an Application: an active deny beats every allow; where there are allows,
 * closed is the default outside of them; one active allow is enough; manual syncs pass only if each window that blocks
 * lets them.
 *
 * @param allowedAtStart Of a running operation: what the verdict, without this, was when it started. It may finish when
 * every window that blocks has `syncOverrun`.
 */
export function windowVerdict(
  windows: readonly WindowNow[],
  manual: boolean,
  allowedAtStart?: () => boolean,
): WindowVerdict {
  const denies = windows.filter(window => window.effect === 'deny' && window.active)
  if (denies.length > 0) {
    if (manual && allowManual(denies)) return OPEN
    return overruns(denies, allowedAtStart) ? OPEN : { allowed: false, blocking: 'denies' }
  }
  const allows = windows.filter(window => window.effect === 'allow')
  if (allows.length === 0 || allows.some(window => window.active)) return OPEN
  if (manual && allowManual(allows)) return OPEN
  return overruns(allows, allowedAtStart) ? OPEN : { allowed: false, blocking: 'inactive-allows' }
}

const OPEN: WindowVerdict = { allowed: true, blocking: 'none' }

/** Strictness is a conjunction: one window without `manualSync` takes manual away. */
export function allowManual(windows: readonly Pick<WindowNow, 'manualSync'>[]): boolean {
  return windows.every(({ manualSync }) => manualSync)
}

export function allowOverrun(windows: readonly Pick<WindowNow, 'syncOverrun'>[]): boolean {
  return windows.every(({ syncOverrun }) => syncOverrun)
}

function overruns(blocking: readonly WindowNow[], allowedAtStart: (() => boolean) | undefined): boolean {
  return allowedAtStart !== undefined && allowOverrun(blocking) && allowedAtStart()
}
