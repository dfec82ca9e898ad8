import type { Json } from '@flotilla/core/json/json'
import { equalJson, isJsonObject } from '@flotilla/core/json/json'
import { BoundedMemo } from '../source/bounded-memo.ts'
import { entityTag, namesTag } from './entity-tag.ts'
import { jsonText } from './json-text.ts'
import { Problem, type ProblemError } from './problem.ts'
import type { Reply } from './route.ts'

const MOST_BYTES_REMEMBERED = 8 * 1024 * 1024
const MOST_DIFFERENCES = 20
const BY_HEARTBEAT = /\/(lastSeen|clockSkewMs)$/
const LONGEST_VALUE = 100

/**
 * What single things looked like under the tags that were given out lately, so that a refused `If-Match` can say what
 * is another now. Forgotten with the process: then the answer is the same without the differences.
 */
export class GivenTags {
  readonly #texts = new BoundedMemo<string>(MOST_BYTES_REMEMBERED, text => text.length + 100)

  /** Remembers what was answered; only what the same caller was shown is ever told him again. */
  remember(reader: string, reply: Reply): void {
    if (reply.kind !== 'json' || reply.status !== 200) return
    const text = jsonText(reply.body)
    this.#texts.set(`${reader} ${entityTag(text)}`, text)
  }

  /**
   * Refuses a write that was meant for something else than is there now.
   *
   * @param header `If-Match`, as it came.
   * @param current What a read of the same caller would answer now.
   * @throws Problem `PRECONDITION_FAILED`, with what has changed since, where that is known.
   */
  require(reader: string, header: string, current: Reply): void {
    if (current.kind !== 'json') return
    const text = jsonText(current.body)
    const tag = entityTag(text)
    if (namesTag(header, tag)) return
    const before = header
      .split(',')
      .map(each => this.#texts.get(`${reader} ${each.trim().replace(/^W\//, '')}`))
      .find(found => found !== undefined)
    const errors = before === undefined ? [] : differences(JSON.parse(before) as Json, JSON.parse(text) as Json)
    // Each heartbeat changes these; nobody decides anything by them.
    if (before !== undefined && errors.every(({ pointer }) => BY_HEARTBEAT.test(pointer))) return
    throw new Problem('PRECONDITION_FAILED', { errors, headers: { ETag: tag } })
  }
}

/** What differs, by JSON pointer; values that are long are not repeated. */
export function differences(before: Json, after: Json, at = ''): readonly ProblemError[] {
  if (equalJson(before, after)) return []
  if (!isJsonObject(before) || !isJsonObject(after)) {
    return [{ pointer: at, message: `was ${shown(before)}, is ${shown(after)}` }]
  }
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const found = keys.flatMap(key =>
    differences(before[key] ?? null, after[key] ?? null, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  )
  return found.slice(0, MOST_DIFFERENCES)
}

function shown(value: Json): string {
  const text = jsonText(value)
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
}
