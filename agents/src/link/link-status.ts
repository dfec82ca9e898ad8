import type { Clock } from '@flotilla/core/ports/clock'

/** Where the connection stands, for the local administrator. */
export type LinkStatus =
  | { readonly kind: 'starting' | 'enrolling' | 'connecting' | 'connected' | 'polling' | 'stopped' }
  | { readonly kind: 'waiting'; readonly message: string }
  /** Connected, and too old for anything but its own upgrade: it goes on enforcing what it holds. */
  | { readonly kind: 'outdated'; readonly message: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

/** Sleeps, unless the link stops: then it returns at once. */
export async function sleepUnlessStopped(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(delayMs, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
