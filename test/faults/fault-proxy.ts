import { once } from 'node:events'
import net, { type AddressInfo, Socket } from 'node:net'
import { type Flow, Pump } from './pump.ts'

export type { Flow }

/** What happens to connections from now on, standing ones and new ones alike. */
export interface Faults {
  /** From the client to the server. */
  readonly up?: Flow
  /** From the server to the client. */
  readonly down?: Flow
  /** New connections are reset; standing ones go on. */
  readonly refuse?: boolean
}

export interface Traffic {
  /** Connections taken since the start. */
  readonly accepted: number
  readonly standing: number
  readonly bytesUp: number
  readonly bytesDown: number
  readonly bytesLost: number
}

export interface FaultProxyOptions {
  /** Where the real server listens, on loopback. */
  readonly port: number
  /** The chance in jitter. Default: `Math.random`. */
  readonly fraction?: () => number
}

/** Nothing passes in either direction and nobody is told: a partition. */
export const PARTITION: Faults = { up: { lose: true }, down: { lose: true } }

interface Pair {
  readonly client: Socket
  readonly server: Socket
  readonly up: Pump
  readonly down: Pump
  /** Bytes are missing: when the fault ends, such a stream cannot go on. */
  lost: boolean
}

/**
 * A TCP relay on loopback that does to its connections what networks do. Clients are given its port and never the
 * server's, so that a server that comes back elsewhere ({@link FaultProxy.retarget}) is behind the same address.
 *
 * @example
 * const proxy = await FaultProxy.start({ port: hubPort })
 * proxy.set({ down: { bytesPerSecond: 2000 } })
 * proxy.set(PARTITION)
 * proxy.heal()
 * await proxy.close()
 */
export class FaultProxy {
  readonly #listener: net.Server
  readonly #fraction: () => number
  readonly #pairs = new Set<Pair>()
  /** Sockets whose other half is gone and that were not told. */
  readonly #abandoned = new Set<Socket>()
  #target: number
  #faults: Faults = {}
  #accepted = 0
  #bytesUp = 0
  #bytesDown = 0
  #bytesLost = 0

  private constructor({ port, fraction = Math.random }: FaultProxyOptions) {
    this.#target = port
    this.#fraction = fraction
    this.#listener = net.createServer({ allowHalfOpen: true, noDelay: true }, client => this.#accept(client))
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options)
    proxy.#listener.listen(0, '127.0.0.1')
    await once(proxy.#listener, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port
  }

  get traffic(): Traffic {
    return {
      accepted: this.#accepted,
      standing: this.#pairs.size,
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      bytesLost: this.#bytesLost,
    }
  }

  /** Replaces all faults; what is not named is healed. */
  set(faults: Faults): void {
    const { lose: lostUp } = this.#faults.up ?? {}
    const { lose: lostDown } = this.#faults.down ?? {}
    this.#faults = faults
    for (const pair of [...this.#pairs]) {
      const whole = faults.up?.lose === lostUp && faults.down?.lose === lostDown
      if (pair.lost && !whole) this.#reset(pair)
      else {
        pair.up.set(faults.up ?? {})
        pair.down.set(faults.down ?? {})
      }
    }
  }

  /** Ends all faults. Connections that lost bytes are reset, frozen ones go on where they were. */
  heal(): void {
    this.set({})
    for (const socket of this.#abandoned) socket.resetAndDestroy()
    this.#abandoned.clear()
  }

  /** Resets every standing connection at both ends, once. */
  cut(): void {
    for (const pair of [...this.#pairs]) this.#reset(pair)
  }

  /** One end of every standing connection is reset and the other never hears of it: it stands half open until `heal`. */
  halfOpen(gone: 'client' | 'server'): void {
    for (const pair of [...this.#pairs]) {
      this.#forget(pair)
      const [dead, left] = gone === 'client' ? [pair.client, pair.server] : [pair.server, pair.client]
      this.#abandon(left)
      dead.resetAndDestroy()
    }
  }

  /** New connections go to another port of this machine. */
  retarget(port: number): void {
    this.#target = port
  }

  async close(): Promise<void> {
    this.cut()
    for (const socket of this.#abandoned) socket.destroy()
    if (!this.#listener.listening) return
    this.#listener.close()
    await once(this.#listener, 'close')
  }

  #accept(client: Socket): void {
    this.#accepted++
    client.on('error', () => undefined)
    if (this.#faults.refuse) {
      client.resetAndDestroy()
      return
    }
    const { up: flowUp = {}, down: flowDown = {} } = this.#faults
    const server = new Socket({ allowHalfOpen: true })
    server.on('error', () => undefined)
    // In a partition not even the wish to connect gets through.
    if (!flowUp.lose) server.setNoDelay(true).connect(this.#target, '127.0.0.1')
    const hooks = (count: (bytes: number) => void) => ({
      fraction: this.#fraction,
      passed: count,
      lost: (bytes: number) => {
        pair.lost = true
        this.#bytesLost += bytes
      },
      truncated: (by: 'reset' | 'end') => {
        if (by === 'reset') this.#reset(pair)
        else this.#endBoth(pair)
      },
    })
    const up = new Pump(
      client,
      server,
      flowUp,
      hooks(bytes => {
        this.#bytesUp += bytes
      }),
    )
    const down = new Pump(
      server,
      client,
      flowDown,
      hooks(bytes => {
        this.#bytesDown += bytes
      }),
    )
    const pair: Pair = { client, server, up, down, lost: flowUp.lose === true }
    this.#pairs.add(pair)
    client.on('close', failed => this.#closed(pair, server, failed, flow => flow.up))
    server.on('close', failed => this.#closed(pair, client, failed, flow => flow.down))
  }

  /** One end is gone. The other hears of it as it would through this network. */
  #closed(pair: Pair, other: Socket, failed: boolean, flowOf: (faults: Faults) => Flow | undefined): void {
    if (!this.#pairs.has(pair)) return
    const flow = flowOf(this.#faults)
    if (flow?.lose || flow?.freeze) {
      pair.lost = true
      return
    }
    if (failed) this.#reset(pair)
    else if (other.destroyed) this.#forget(pair)
  }

  #endBoth(pair: Pair): void {
    this.#forget(pair)
    for (const socket of [pair.client, pair.server]) {
      this.#abandon(socket)
      socket.end()
    }
  }

  /** Whatever still comes is read and thrown away. */
  #abandon(socket: Socket): void {
    this.#abandoned.add(socket)
    socket.on('close', () => this.#abandoned.delete(socket))
    socket.resume()
  }

  #reset(pair: Pair): void {
    this.#forget(pair)
    for (const socket of [pair.client, pair.server]) socket.resetAndDestroy()
  }

  #forget(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.up.stop()
    pair.down.stop()
  }
}
