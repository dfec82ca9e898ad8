/** Ends with the first of several signals, or when it is aborted itself. */
export interface FirstAborted {
  readonly controller: AbortController
  /** Listens no longer: nobody waits any more. */
  readonly release: () => void
}

/**
 * What `AbortSignal.any` does, by hand: a composite signal costs more than a small request, and as long as somebody
 * listens to one, Node keeps it and all that its listeners reach, also when none of its sources is left.
 */
export function firstAborted(...signals: readonly (AbortSignal | undefined)[]): FirstAborted {
  const controller = new AbortController()
  const ends = signals.flatMap(signal => {
    if (!signal) return []
    if (signal.aborted) controller.abort(signal.reason)
    const end = (): void => controller.abort(signal.reason)
    signal.addEventListener('abort', end, { once: true })
    return [() => signal.removeEventListener('abort', end)]
  })
  const release = (): void => {
    for (const end of ends) end()
  }
  return { controller, release }
}
