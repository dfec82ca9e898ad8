import { chmod, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { textAt } from '@flotilla/core/json/read-json'
import type { Log } from '@flotilla/core/ports/log'
import type { Agent } from './agent.ts'
import { formatPlan } from './plan-command.ts'

const MOST_REQUEST_BYTES = 4096
const MOST_ANSWER_BYTES = 256 * 1024 * 1024

/**
 * A socket file that only the agent's own user can open: `agent plan` asks the running agent, because only that one
 * holds the documents; `agent rotate-key` likewise. One JSON line in, one answer out.
 */
export class ControlSocket {
  readonly #agent: Agent
  readonly #path: string
  readonly #log: Log
  readonly #rotateKey: (() => Promise<string>) | undefined
  #server: Server | undefined

  /** @param rotateKey Gives the agent another key; what became of it. */
  constructor(agent: Agent, path: string, log: Log, rotateKey?: () => Promise<string>) {
    this.#agent = agent
    this.#path = path
    this.#log = log
    this.#rotateKey = rotateKey
  }

  /** Listens. A path that cannot be used is said and not fatal: the agent works without it. */
  async start(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, socket => {
      this.#serve(socket).catch(error => socket.destroy(error as Error))
      socket.on('error', error => this.#log.debug('control connection failed', { error: error.message }))
    })
    try {
      // Left by a process that was killed; a living one has the Lease, so there is none.
      await unlink(this.#path).catch(ignoreMissing)
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(this.#path, resolve)
      })
      await chmod(this.#path, 0o600)
      server.unref()
      this.#server = server
    } catch (error) {
      this.#log.warn('the control socket cannot be opened', { path: this.#path, error: (error as Error).message })
    }
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (!server) return
    await new Promise(resolve => server.close(resolve))
  }

  async #serve(socket: Socket): Promise<void> {
    const request = await readAll(socket, MOST_REQUEST_BYTES)
    socket.end(await this.#answer(request))
  }

  async #answer(text: string): Promise<string> {
    try {
      const request: Json = parseJson(text)
      if (textAt(request, 'command') === 'rotate-key' && this.#rotateKey) {
        return JSON.stringify({ text: await this.#rotateKey() })
      }
      if (textAt(request, 'command') !== 'plan') return JSON.stringify({ error: 'unknown command' })
      const plan = await this.#agent.plan(textAt(request, 'application'))
      const output = textAt(request, 'output') === 'json' ? 'json' : 'text'
      return JSON.stringify({ text: formatPlan(plan, output) })
    } catch (error) {
      return JSON.stringify({ error: error instanceof Error ? error.message : String(error) })
    }
  }
}

/** Asks a running agent for a plan. @throws Error that says what to do when no agent runs. */
export async function askForPlan(path: string, application: string, output: 'text' | 'json'): Promise<string> {
  return await askAgent(path, { command: 'plan', application, output })
}

/** Has a running agent take another key. @throws Error that says what to do when no agent runs. */
export async function askForAnotherKey(path: string): Promise<string> {
  return await askAgent(path, { command: 'rotate-key' })
}

async function askAgent(path: string, request: JsonObject): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const absent = code === 'ENOENT' || code === 'ECONNREFUSED'
    throw new Error(absent ? `no agent runs here (${path}); start it, or name its --control-socket` : message, {
      cause: error,
    })
  }
  socket.end(JSON.stringify(request))
  const answer = parseJson(await readAll(socket, MOST_ANSWER_BYTES))
  const problem = textAt(answer, 'error')
  if (problem !== '') throw new Error(problem)
  return textAt(answer, 'text')
}

async function readAll(socket: Socket, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of socket) {
    size += (chunk as Buffer).byteLength
    if (size > mostBytes) throw new Error('too much was sent')
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
