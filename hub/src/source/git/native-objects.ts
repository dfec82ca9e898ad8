import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { ObjectId } from '@flotilla/core/ports/git'
import { gitError } from './git-errors.ts'
import { readingEnvironment } from './native-environment.ts'
import { type ObjectSource, ObjectTooLarge } from './object-source.ts'
import type { ObjectType, RawObject } from './parse-object.ts'

interface Question {
  readonly name: string
  readonly maxBytes: number
  /** Asked already of a process that died: a second death is the object's fault. */
  readonly again: boolean
  resolve(answer: Answer): void
  reject(error: unknown): void
}

type Answer = { readonly kind: 'object'; readonly id: ObjectId; readonly object: RawObject } | { readonly kind: 'none' }

const READ_TIMEOUT_MS = 60_000
const MAX_WAITING = 10_000
const HEADER = /^([0-9a-f]{40}) (commit|tree|blob|tag) (\d+)$/

/**
 * Objects through one `git cat-file --batch` kept open: 50 µs an object instead of a process each. Questions are asked
 * one at a time; a process that dies, answers nonsense or falls silent is replaced and asked once more.
 */
export class NativeObjects implements ObjectSource {
  readonly #gitBinary: string
  readonly #subject: string
  readonly #gitFolder: string
  readonly #waiting: Question[] = []
  #asked: Question | undefined
  #process: ChildProcessWithoutNullStreams | undefined
  #chunks: Buffer[] = []
  #received = 0
  #header: { readonly id: ObjectId; readonly type: ObjectType; readonly size: number } | undefined
  #closed = false
  #watching = false

  constructor(gitBinary: string, subject: string, gitFolder: string) {
    this.#gitBinary = gitBinary
    this.#subject = subject
    this.#gitFolder = gitFolder
  }

  async read(id: ObjectId, maxBytes: number): Promise<RawObject | undefined> {
    const answer = await this.#ask(id, maxBytes)
    return answer.kind === 'object' ? answer.object : undefined
  }

  async expand(prefix: string): Promise<ObjectId | undefined> {
    // `^{commit}` chooses the commit when a blob's id begins alike; a tag id is given whole.
    const answer = await this.#ask(`${prefix}^{commit}`, Number.POSITIVE_INFINITY)
    return answer.kind === 'object' ? answer.id : undefined
  }

  async close(): Promise<void> {
    this.#closed = true
    const process = this.#process
    this.#dropProcess()
    const error = gitError('REPOSITORY_UNREACHABLE', this.#subject, 'the repository was closed')
    for (const question of [this.#asked, ...this.#waiting.splice(0)]) question?.reject(error)
    this.#asked = undefined
    if (process && process.exitCode === null && process.signalCode === null) {
      await new Promise(resolve => process.once('close', resolve))
    }
  }

  #ask(name: string, maxBytes: number): Promise<Answer> {
    if (this.#closed || this.#waiting.length >= MAX_WAITING) {
      const message = this.#closed ? 'the repository was closed' : 'too many reads are waiting'
      return Promise.reject(gitError('REPOSITORY_UNREACHABLE', this.#subject, message))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, maxBytes, again: false, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#asked) return
    const question = this.#waiting.shift()
    if (!question) return
    this.#asked = question
    const process = this.#process ?? this.#start()
    process.stdin.write(`${question.name}\n`)
    if (!this.#watching) this.#watch()
  }

  /** One timer however many questions: a question still unanswered a whole period later ends the process. */
  #watch(): void {
    const question = this.#asked
    this.#watching = question !== undefined
    if (!question) return
    AbortSignal.timeout(READ_TIMEOUT_MS).addEventListener('abort', () => {
      const child = this.#process
      if (child && this.#asked === question) this.#onEnd(child)
      this.#watch()
    })
  }

  #start(): ChildProcessWithoutNullStreams {
    const child = spawn(this.#gitBinary, [`--git-dir=${this.#gitFolder}`, 'cat-file', '--batch'], {
      env: { ...readingEnvironment() },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#process = child
    this.#resetBuffer()
    child.stderr.resume()
    // Writing to a process that just died is reported by its end.
    child.stdin.on('error', () => this.#onEnd(child))
    child.stdout.on('data', (chunk: Buffer) => {
      if (child === this.#process) this.#onData(chunk)
    })
    child.once('error', error => this.#onEnd(child, error))
    child.once('close', () => this.#onEnd(child))
    return child
  }

  #onEnd(child: ChildProcessWithoutNullStreams, error?: Error): void {
    if (child !== this.#process) return
    this.#dropProcess()
    const question = this.#asked
    this.#asked = undefined
    if (question && error) {
      const message = `${this.#gitBinary} cannot be run`
      question.reject(gitError('REPOSITORY_UNREACHABLE', this.#subject, message, error))
    } else if (question?.again) {
      question.reject(gitError('REPOSITORY_CORRUPT', this.#subject, `object ${question.name} cannot be read`))
    } else if (question) {
      this.#waiting.unshift({ ...question, again: true })
    }
    this.#next()
  }

  #dropProcess(): void {
    const child = this.#process
    this.#process = undefined
    this.#resetBuffer()
    child?.kill('SIGKILL')
  }

  #resetBuffer(): void {
    this.#chunks = []
    this.#received = 0
    this.#header = undefined
  }

  #onData(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#received += chunk.byteLength
    if (!this.#header && !this.#readHeader()) return
    const header = this.#header
    // The content is followed by one line feed.
    if (header && this.#received > header.size) {
      const bytes = Buffer.concat(this.#chunks).subarray(0, header.size)
      this.#answer({ kind: 'object', id: header.id, object: { type: header.type, bytes } })
    }
  }

  /** Whether an object follows. Anything that is no header of an object means that there is none. */
  #readHeader(): boolean {
    const buffer = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    const end = buffer.indexOf(0x0a)
    if (end < 0) {
      this.#chunks = [buffer]
      return false
    }
    const match = HEADER.exec(buffer.toString('latin1', 0, end))
    if (!match) {
      this.#answer({ kind: 'none' })
      return false
    }
    const size = Number(match[3])
    const question = this.#asked
    if (question && size > question.maxBytes) {
      // Its content is on the way: ending the process is cheaper than reading gigabytes to throw them away.
      this.#asked = undefined
      this.#dropProcess()
      question.reject(new ObjectTooLarge(size))
      this.#next()
      return false
    }
    this.#header = { id: match[1]!, type: match[2] as ObjectType, size }
    const rest = buffer.subarray(end + 1)
    this.#chunks = [rest]
    this.#received = rest.byteLength
    return true
  }

  #answer(answer: Answer): void {
    const question = this.#asked
    this.#asked = undefined
    this.#resetBuffer()
    question?.resolve(answer)
    this.#next()
  }
}
