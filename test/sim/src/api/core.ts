import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import { isoTime } from '@flotilla/core/time/epoch-ms'
import { ResourceRegistry } from '../resources/registry.ts'
import { ObjectStore } from '../store/object-store.ts'
import { Bookmarks } from './bookmarks.ts'
import { PodLogs } from './handle-pod-log.ts'

/** What the parts of one cluster share: its objects, its kinds, its time and chance. */
export class Core {
  readonly clock: Clock
  readonly random: Random
  readonly store = new ObjectStore()
  readonly registry = new ResourceRegistry()
  readonly logs = new PodLogs()
  readonly bookmarks: Bookmarks
  private nextAddress = 10
  private nextPort = 30_000

  /** The uid that the `kube-system` namespace is to have. */
  readonly systemUid: string | undefined

  constructor(clock: Clock, random: Random, systemUid?: string) {
    this.clock = clock
    this.bookmarks = new Bookmarks(clock)
    this.random = random
    this.systemUid = systemUid
  }

  /** RFC 3339, whole seconds, as metadata has it. */
  now(): string {
    return `${isoTime(this.clock.now()).slice(0, 19)}Z`
  }

  /** RFC 3339 with microseconds, as Leases and Events have it. */
  nowMicro(): string {
    return `${isoTime(this.clock.now()).slice(0, 23)}000Z`
  }

  newUid(): string {
    const hex = Buffer.from(this.random.bytes(16)).toString('hex')
    const variant = '89ab'[Number.parseInt(hex[16]!, 16) & 3]
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
  }

  /** Five characters as `generateName` appends them: no vowels, nothing that reads as a word. */
  nameSuffix(): string {
    const alphabet = 'bcdfghjklmnpqrstvwxz2456789'
    return [...this.random.bytes(5)].map(byte => alphabet[byte % alphabet.length]).join('')
  }

  /** A Service address of 10.96.0.0/16 that was never given out. */
  allocateClusterIp(): string {
    const at = this.nextAddress++
    return `10.96.${(at >> 8) & 255}.${at & 255}`
  }

  allocateNodePort(): number {
    return this.nextPort++
  }
}
