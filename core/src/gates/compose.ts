/** The state of the freezes that concern an Application, those that are exempt left out. */
export type FreezeState = 'none' | 'soft' | 'hard'
/** What the sync windows say of an automated and of a manual start. */
export type WindowState = 'open' | 'closed, manual allowed' | 'closed'

export interface Circumstances {
  /** Whether the person or the hub may do this at all; gates never widen it. */
  readonly permitted: boolean
  readonly automated: boolean
  readonly freeze: FreezeState
  readonly window: WindowState
  /** An override that is valid for this covers every active freeze. */
  readonly freezeCovered: boolean
  /** It covers the windows. */
  readonly windowCovered: boolean
}

export interface Verdict {
  readonly allowed: boolean
  /** By layer: whether it lets this pass, an override included. */
  readonly layers: { readonly permission: boolean; readonly freeze: boolean; readonly window: boolean }
  /** Somebody has to say why: a soft freeze is passed by hand. An override has given its reason already. */
  readonly reasonRequired: boolean
  /** What an override is used up for. */
  readonly overrideUsed: readonly ('freeze' | 'window')[]
}

/**
 * Three independent layers, all of which must pass: permission, freezes, windows (gates.md lists every combination).
 * A freeze is never opened by an allow window; an override opens what it covers and nothing else.
 */
export function compose(now: Circumstances): Verdict {
  const { permitted, automated } = now
  const freezeBlocks = now.freeze === 'hard' || (now.freeze === 'soft' && automated)
  const windowBlocks = now.window === 'closed' || (now.window === 'closed, manual allowed' && automated)
  const freeze = !freezeBlocks || now.freezeCovered
  const window = !windowBlocks || now.windowCovered
  const allowed = permitted && freeze && window
  const byHand = now.freeze === 'soft' && !automated
  return {
    allowed,
    layers: { permission: permitted, freeze, window },
    reasonRequired: allowed && byHand && !now.freezeCovered,
    overrideUsed: allowed
      ? [...(freezeBlocks ? ['freeze' as const] : []), ...(windowBlocks ? ['window' as const] : [])]
      : [],
  }
}
