import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Waits until `look` gives something, and gives it. How long is generous, because nothing here is about speed: it only
 * bounds a run in which it never happens, and then `told` says how things stand.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: {
    readonly withinMs?: number
    readonly everyMs?: number
    readonly told?: () => string | Promise<string>
  } = {},
): Promise<T> {
  const deadline = performance.now() + (options.withinMs ?? 300_000)
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`never happened: ${what}\n${(await options.told?.()) ?? ''}`)
    await sleep(options.everyMs ?? 100)
  }
}
