import { Worker } from 'node:worker_threads'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { Clock, Timer } from '@flotilla/core/ports/clock'
import { engineEntryOf } from '@flotilla/generators/engines/registry'
import { expand } from '@flotilla/generators/expand'
import type { Expansion } from '@flotilla/generators/expansion'
import type { GeneratorInputs, InputAnswer } from '@flotilla/generators/inputs'
import { messageOf, type SetReply } from './set-message.ts'

/**
 * Expands one set; `answers` is what `inputs` answers from. Whoever listens to `inputs.answer` hears of every request,
 * in whichever thread it came up. Rejects for a fault of ours alone.
 */
export type Expand = (
  set: Declared<ApplicationSetSpec>,
  inputs: GeneratorInputs,
  answers: ReadonlyMap<string, InputAnswer>,
) => Promise<Expansion>

export interface ExpandInWorkerOptions {
  readonly clock: Clock
  /** Default 20,000. */
  readonly timeLimitMs?: number
  /** Memory of the thread beyond which it is ended. Default 1,024. */
  readonly memoryLimitMb?: number
  /** After so long without work the thread is ended and its memory given back. Default 60,000. */
  readonly idleMs?: number
}

export interface ExpandInWorker {
  readonly expand: Expand
  /** Ends the thread; what is being expanded is an error of its set. */
  close(): Promise<void>
}

/**
 * Whether a set is expanded in the thread. Every engine bounds its own work, so that none needs it to end; but
 * Handlebars templates go through a parser that is not ours, and whoever writes them must not be able to make everybody
 * else wait, whatever that parser does.
 */
export function needsWorker({ spec, group }: Pick<Declared<ApplicationSetSpec>, 'spec' | 'group'>): boolean {
  return engineEntryOf(spec, group).name === 'handlebars'
}

/**
 * Expands sets of engines that ask for it in a thread with a time and a memory limit, one after the other, and all
 * others here and now. A set that passes a limit gives an error that is stale: what it gave before stays.
 */
export function createExpandInWorker(options: ExpandInWorkerOptions): ExpandInWorker {
  const thread = new ExpansionThread(options)
  let last: Promise<unknown> = Promise.resolve()
  return {
    expand: (set, inputs, answers) => {
      if (!needsWorker(set)) return Promise.resolve(expand(set, inputs))
      const mine = last.then(() => thread.expand(set, inputs, answers))
      last = mine.catch(() => undefined)
      return mine
    },
    close: () => thread.close(),
  }
}

/** Expands everything here and now: engines bound their own work. */
export const expandHere: Expand = async (set, inputs) => expand(set, inputs)

class ExpansionThread {
  readonly #options: ExpandInWorkerOptions
  readonly #timeLimitMs: number
  readonly #memoryLimitMb: number
  #worker: Worker | undefined
  #idle: Timer | undefined

  constructor(options: ExpandInWorkerOptions) {
    this.#options = options
    this.#timeLimitMs = options.timeLimitMs ?? 20_000
    this.#memoryLimitMb = options.memoryLimitMb ?? 1_024
  }

  async expand(
    set: Declared<ApplicationSetSpec>,
    inputs: GeneratorInputs,
    answers: ReadonlyMap<string, InputAnswer>,
  ): Promise<Expansion> {
    this.#idle?.cancel()
    const worker = this.#open()
    const ended = await this.#ask(worker, () => worker.postMessage(messageOf(set, inputs, answers)))
    if (ended.kind === 'stopped') {
      await this.close()
      return refused(set, ended.why)
    }
    this.#idle = this.#options.clock.setTimer(this.#options.idleMs ?? 60_000, () => void this.close())
    if (ended.reply.kind === 'expanded') {
      for (const request of ended.reply.asked) inputs.answer(request)
      return ended.reply.expansion
    }
    throw new Error(`expanding ApplicationSet ${set.name} failed: ${ended.reply.message}`)
  }

  async close(): Promise<void> {
    this.#idle?.cancel()
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #open(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(new URL('./expand-thread.ts', import.meta.url), {
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: this.#memoryLimitMb },
    })
    // A hub that has nothing else to do may end.
    worker.unref()
    this.#worker = worker
    return worker
  }

  #ask(worker: Worker, send: () => void): Promise<Ended> {
    return new Promise(resolve => {
      const end = (ended: Ended): void => {
        timer.cancel()
        worker.unref()
        worker.off('message', onMessage).off('error', onError).off('exit', onExit)
        resolve(ended)
      }
      const onMessage = (reply: SetReply): void => end({ kind: 'answered', reply })
      const onError = (error: Error): void => end({ kind: 'stopped', why: this.#errorText(error) })
      const onExit = (): void => end({ kind: 'stopped', why: 'its thread was ended' })
      const timer = this.#options.clock.setTimer(this.#timeLimitMs, () =>
        end({ kind: 'stopped', why: `it takes more than ${this.#timeLimitMs / 1_000} s` }),
      )
      worker.on('message', onMessage).on('error', onError).on('exit', onExit)
      worker.ref()
      send()
    })
  }

  #errorText(error: Error): string {
    const full = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY'
    return full ? `it takes more than ${this.#memoryLimitMb} MiB of memory` : error.message
  }
}

type Ended =
  | { readonly kind: 'answered'; readonly reply: SetReply }
  | { readonly kind: 'stopped'; readonly why: string }

/** What a set gives that passed a limit. */
export function refused(set: Declared<ApplicationSetSpec>, why: string): Expansion {
  const generators = set.spec.generators.map((_, index) => {
    return { generator: String(index), status: 'failed' as const, applications: [] }
  })
  return {
    applications: [],
    generators,
    errors: [
      {
        reason: 'RenderTemplateParamsError',
        code: 'TEMPLATE_TIMEOUT',
        stage: 'render',
        generator: '0',
        message: `ApplicationSet ${set.name} was not expanded: ${why}`,
        hint: 'what the set gave before stays as it is; look for loops in loops, or part the set',
        position: set.positionOf(['spec', 'template']),
        stale: true,
      },
    ],
    needs: [],
  }
}
