import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@flotilla/core/ports/clock'
import { createClock } from '@flotilla/core/ports/create-clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { compileHubOptions, type LooseSettings } from '../../settings/compile-hub-options.ts'
import { type RunningHub, startHub } from '../../start-hub.ts'

/** This machine's clock, put forward by hand: what waits for hours is waited for at once. */
export class ForwardClock implements Clock {
  readonly #real = createClock(globalThis)
  #forwardMs = 0

  now = (): number => this.#real.now() + this.#forwardMs
  monotonicMs = (): number => this.#real.monotonicMs() + this.#forwardMs
  setTimer = this.#real.setTimer.bind(this.#real)
  sleep = this.#real.sleep.bind(this.#real)

  forward(ms: number): void {
    this.#forwardMs += ms
  }
}

export interface SignInHub {
  readonly running: RunningHub
  readonly url: string
  readonly clock: ForwardClock
  /** Everything that was logged, as text. */
  readonly logged: string[]
  readonly admin: string
  ask(
    path: string,
    options?: {
      readonly token?: string
      readonly method?: string
      readonly body?: unknown
      readonly headers?: Record<string, string>
    },
  ): Promise<{
    readonly status: number
    readonly body: Record<string, unknown>
    readonly headers: Headers
    readonly text: string
  }>
  stop(): Promise<void>
}

/** A whole hub on a port of this machine, with these settings of hub.yaml. */
export async function hubWithSignIn(loose: LooseSettings): Promise<SignInHub> {
  const compiled = compileHubOptions({ 'tls.mode': 'off', listen: '127.0.0.1:0', ...loose })
  if (compiled.kind === 'refused') throw new Error(JSON.stringify(compiled.problems))
  const dataDirectory = await mkdtemp(join(tmpdir(), 'flotilla-sign-in-'))
  const clock = new ForwardClock()
  const logged: string[] = []
  const { configSources, signIn, publicUrl, access } = compiled.options
  const running = await startHub(
    {
      ...{ dataDirectory, listen: compiled.options.listen, version: '0.1.0', configSources, signIn, gitBinary: false },
      ...(publicUrl !== undefined && { publicUrl }),
      ...(access !== undefined && { access }),
    },
    { clock, random: seededRandom(21), log: logInto(logged) },
  )
  const { listensAt: url } = running
  return {
    ...{ running, url, clock, logged, admin: running.adminToken! },
    async ask(path, { token, method = 'GET', body, headers = {} } = {}) {
      const response = await fetch(new URL(path, url), {
        method,
        redirect: 'manual',
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, body: isJson ? JSON.parse(text) : {}, headers: response.headers, text }
    },
    async stop() {
      await running.stop()
      await rm(dataDirectory, { recursive: true, force: true })
    },
  }
}

function logInto(lines: string[]): Log {
  const write = (message: string, fields?: object): void => {
    lines.push(
      `${message} ${JSON.stringify(fields, (_key, value) => (value instanceof Error ? `${value.stack}` : value))}`,
    )
  }
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log }
  return log
}
