import { equalJson, type Json } from '@flotilla/core/json/json'
import type { Application } from '@flotilla/core/model/application'
import type { Parameters } from './inputs.ts'

interface Item {
  /** What it was made from. */
  readonly content: Json
  readonly sets: readonly Parameters[]
  usedIn: number
}

interface Room {
  readonly items: Map<string, Item>
  readonly combined: WeakMap<Parameters, WeakMap<Parameters, object>>
  readonly built: WeakMap<Parameters, Application>
  usedIn: number
}

/**
 * What earlier expansions of one document have made, so that the next makes what is new and no more: after a push that
 * adds a folder, the parameter sets of all others are the same objects, and so are the Applications made of them.
 *
 * Whatever is handed out was made from equal input by the same document; a memory serves one document only.
 */
export class ExpansionMemory {
  readonly #rooms = new Map<string, Room>()
  #round = 0

  /** An expansion begins. */
  begin(): void {
    this.#round++
  }

  /** It has all its answers: what it did not use is forgotten. */
  end(): void {
    for (const [key, room] of this.#rooms) {
      if (room.usedIn !== this.#round) this.#rooms.delete(key)
      else for (const [name, item] of room.items) if (item.usedIn !== this.#round) room.items.delete(name)
    }
  }

  /** What belongs to one generator as it is written, filled in from its parents. */
  room(key: string): MemoryRoom {
    let room = this.#rooms.get(key)
    if (!room) {
      room = { items: new Map(), combined: new WeakMap(), built: new WeakMap(), usedIn: 0 }
      this.#rooms.set(key, room)
    }
    room.usedIn = this.#round
    return new MemoryRoom(room, this.#round)
  }
}

export class MemoryRoom {
  readonly #room: Room
  readonly #round: number

  constructor(room: Room, round: number) {
    this.#room = room
    this.#round = round
  }

  /** The sets of one item of an input (a folder, a file, a Cluster), made when its content is another than before. */
  sets(name: string, content: Json, make: () => readonly Parameters[]): readonly Parameters[] {
    const known = this.#room.items.get(name)
    if (known && (known.content === content || equalJson(known.content, content))) {
      known.usedIn = this.#round
      return known.sets
    }
    const sets = make()
    this.#room.items.set(name, { content, sets, usedIn: this.#round })
    return sets
  }

  /** What two parameter sets, the same two as before, make together. */
  combined<Made extends object>(left: Parameters, right: Parameters, make: () => Made): Made {
    let byRight = this.#room.combined.get(left)
    if (!byRight) {
      byRight = new WeakMap()
      this.#room.combined.set(left, byRight)
    }
    const known = byRight.get(right)
    // One room holds one kind of product: whoever opened it under its key says which.
    if (known !== undefined) return known as Made
    const made = make()
    byRight.set(right, made)
    return made
  }

  application(parameters: Parameters): Application | undefined {
    return this.#room.built.get(parameters)
  }

  keep(parameters: Parameters, application: Application): void {
    this.#room.built.set(parameters, application)
  }
}
