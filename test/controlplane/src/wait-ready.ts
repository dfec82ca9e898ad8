import { ControlPlaneFailed } from './errors.ts'
import { monotonicMs, sleep } from './real-time.ts'
import type { ServerProcess } from './server-process.ts'

/** How long one server may take: some fifteen times what two cores with fifty processes at work were seen to need. */
const readyTimeoutMs = 240_000

export interface StartedServer<Value> {
  readonly server: ServerProcess
  readonly value: Value
  /** Asked again and again; an error means "not yet". */
  isReady(): Promise<boolean>
}

/**
 * Starts a server and waits until it is ready. One that ends before because its port was taken in the meantime is
 * started again, with what `start` chooses then.
 *
 * @throws ControlPlaneFailed with the end of the server's log.
 */
export async function startUntilReady<Value>(start: () => Promise<StartedServer<Value>>): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    const started = await start()
    const failure = await waitUntilReady(started.server, started.isReady)
    if (failure === undefined) return started.value
    await started.server.kill()
    if (attempt === 3 || !failure.message.includes('address already in use')) throw failure
  }
}

/** Waits until `isReady` answers true; returns what to throw when the server ends first or takes too long. */
export async function waitUntilReady(
  server: ServerProcess,
  isReady: () => Promise<boolean>,
): Promise<ControlPlaneFailed | undefined> {
  const deadlineMs = monotonicMs() + readyTimeoutMs
  let lastError: unknown
  while (monotonicMs() < deadlineMs) {
    if (!server.isRunning()) return server.failure('ended before it was ready')
    try {
      if (await isReady()) return undefined
    } catch (error) {
      lastError = error
    }
    await sleep(25)
  }
  const failure = await server.failure(`not ready after ${readyTimeoutMs} ms`)
  return lastError === undefined
    ? failure
    : new ControlPlaneFailed(failure.subject, `not ready: ${String(lastError)}`, failure.message, { cause: lastError })
}
