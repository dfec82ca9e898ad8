import { objectKeyText } from '../model/kubernetes-object.ts'
import { type HookState, hookStateOf, type SyncProgress } from './sync-progress.ts'

/** Of all hooks of one operation together, in bytes: it stands in the operation's record and travels in its report. */
export const MOST_LOG_BYTES = 64 * 1024
/** What a hook that fails after others is given all the same. */
export const LEAST_LOG_BYTES = 4 * 1024
/** Hooks of one operation whose logs are kept. */
export const MOST_LOGS = 16

/** What a hook that failed, or was ended, left behind: why its container ended, and the end of what it printed. */
export interface HookLog {
  /** Empty where there was none. */
  readonly pod: string
  readonly container: string
  /** Why the container ended or does not start, in the cluster's word: `Error`, `OOMKilled`, `ImagePullBackOff`. */
  readonly reason?: string
  readonly exitCode?: number
  /** What the container, or the cluster, said about it. */
  readonly message?: string
  /** Last lines; values of Secrets are masked. */
  readonly text: string
  /** Earlier lines are left out. */
  readonly cut: boolean
  /** Why there is no text. */
  readonly note?: string
}

/**
 * Hooks whose run ended badly between two states of the progress, whatever is to become of them next; those that still
 * run when the operation is ended, by its time-out or by somebody, are among them.
 */
export function hooksThatFailed(before: SyncProgress, after: SyncProgress): readonly HookState[] {
  const cutShort = after.ending?.abort === true && before.ending === undefined
  return after.hooks.filter(state => {
    if (cutShort && state.state === 'Running') return true
    if (hookStateOf(before, state)?.state !== 'Running') return false
    return state.state === 'Failed' || state.state === 'Pending'
  })
}

/** How many bytes of log this hook of the operation may keep, beside those of others; 0: none. */
export function logBytesLeft({ hooks }: SyncProgress, { key, phase }: Pick<HookState, 'key' | 'phase'>): number {
  const others = hooks.filter(hook => hook.phase !== phase || objectKeyText(hook.key) !== objectKeyText(key))
  const kept = others.flatMap(({ log }) => log ?? [])
  if (kept.length >= MOST_LOGS) return 0
  const used = kept.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
  return Math.max(LEAST_LOG_BYTES, MOST_LOG_BYTES - used)
}

/** The last lines that fit, oldest first; fed one by one, it never holds much more than it keeps. */
export class LogTail {
  readonly #most: number
  readonly #lines: string[] = []
  #bytes = 0
  #cut = false

  /** @param most Bytes, line ends included. */
  constructor(most: number) {
    this.#most = most
  }

  add(line: string): void {
    this.#lines.push(line)
    this.#bytes += Buffer.byteLength(line) + 1
    while (this.#bytes > this.#most && this.#lines.length > 1) this.#drop()
    if (this.#bytes > this.#most) {
      this.#drop()
      // One line that is too long: its end says most.
      const end = endOf(line, this.#most - 1)
      this.#lines.push(end)
      this.#bytes = Buffer.byteLength(end) + 1
    }
  }

  get text(): string {
    return this.#lines.join('\n')
  }

  get cut(): boolean {
    return this.#cut
  }

  #drop(): void {
    this.#bytes -= Buffer.byteLength(this.#lines.shift() ?? '') + 1
    this.#cut = true
  }
}

function endOf(line: string, most: number): string {
  const bytes = Buffer.from(line)
  let start = Math.max(0, bytes.length - most)
  // Not in the middle of a character.
  while (start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start++
  return bytes.subarray(start).toString('utf8')
}
