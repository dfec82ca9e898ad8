import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE, type ScalarEvent } from 'js-yaml'
import { getKey, isJsonObject, type Json, type JsonObject, type MutableJsonObject, setKey } from '../json/json.ts'
import { resolveBoolean, resolveInteger, resolveNumber, resolvePlainScalar } from './resolve-scalar.ts'
import type { YamlCode, YamlProblem } from './yaml-codes.ts'

/** Where a node and its children stand, as offsets into the document's text. */
export interface Located {
  readonly at: number
  readonly entries?: ReadonlyMap<string, LocatedEntry>
  readonly items?: readonly Located[]
}

export interface LocatedEntry {
  readonly keyAt: number
  readonly node: Located
}

export interface ComposeLimits {
  /** Nesting of collections, aliases included. */
  readonly maxDepth: number
  /** `*alias` nodes in one document. */
  readonly maxAliases: number
  /** How much a document may grow by its aliases and merges, in characters and nodes. */
  readonly maxAliasGrowth: number
}

export interface Composition {
  readonly value: Json
  readonly problems: readonly YamlProblem[]
  /** Offset of the document's content. */
  readonly at: number
  /** Only when asked for: most documents are never asked where their nodes stand. */
  readonly located?: Located
}

interface Node {
  readonly value: Json
  readonly at: number
  /** Nodes and characters of everything below: what an alias to it costs. */
  readonly weight: number
  /** Levels of collections from here down. */
  readonly height: number
  readonly located?: Located
  readonly merges?: true
  /** An alias that could not be followed: reported once, and not again by what uses it. */
  readonly refused?: true
}

const NONE = -1
const TAG_PREFIX = 'tag:yaml.org,2002:'

/**
 * Builds the value of one document from the parser's events. Mistakes of meaning (a key twice, an unknown tag, an
 * alias to nothing) are all collected; the value then holds what could be read,
 * and of a key that stands twice the later value, as readers that allow it have it.
 */
export function composeDocument(
  source: string,
  events: readonly Event[],
  limits: ComposeLimits,
  options: { readonly locate: boolean },
): Composition {
  const composer = new Composer(source, events, limits, options.locate)
  const root = composer.document()
  return { value: root.value, problems: composer.problems, at: root.at, located: root.located }
}

class Composer {
  readonly problems: YamlProblem[] = []
  readonly #source: string
  readonly #events: readonly Event[]
  readonly #limits: ComposeLimits
  readonly #locate: boolean
  readonly #anchors = new Map<string, Node | 'open'>()
  #next = 0
  #aliases = 0
  #growth = 0
  #lastAt = 0

  constructor(source: string, events: readonly Event[], limits: ComposeLimits, locate: boolean) {
    this.#source = source
    this.#events = events
    this.#limits = limits
    this.#locate = locate
  }

  document(): Node {
    this.#next = 1 // the document's own event
    return this.#node(0)
  }

  #problem(code: YamlCode, offset: number, message: string, hint?: string): void {
    this.problems.push({ code, offset, message, hint })
  }

  #node(depth: number): Node {
    const event = this.#events[this.#next++]!
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return this.#anchored(event, this.#scalar(event))
      case EVENT_ID.ALIAS:
        return this.#alias(event.anchorStart, event.anchorEnd, depth)
      case EVENT_ID.SEQUENCE: {
        this.#checkCollectionTag(event.tagStart, event.tagEnd, 'seq')
        this.#open(event)
        return this.#anchored(event, this.#sequence(event.start, depth))
      }
      case EVENT_ID.MAPPING: {
        this.#checkCollectionTag(event.tagStart, event.tagEnd, 'map')
        this.#open(event)
        return this.#anchored(event, this.#mapping(event.start, depth))
      }
      default:
        throw new TypeError('the event stream holds no node where one must be')
    }
  }

  #open(event: { readonly anchorStart: number; readonly anchorEnd: number }): void {
    if (event.anchorStart !== NONE) this.#anchors.set(this.#source.slice(event.anchorStart, event.anchorEnd), 'open')
  }

  #anchored(event: { readonly anchorStart: number; readonly anchorEnd: number }, node: Node): Node {
    if (event.anchorStart !== NONE) this.#anchors.set(this.#source.slice(event.anchorStart, event.anchorEnd), node)
    return node
  }

  #sequence(start: number, depth: number): Node {
    this.#lastAt = start
    const value: Json[] = []
    const items: Located[] | undefined = this.#locate ? [] : undefined
    let weight = 1
    let height = 0
    while (this.#events[this.#next]!.type !== EVENT_ID.POP) {
      const child = this.#node(depth + 1)
      value.push(child.value)
      weight += child.weight
      height = Math.max(height, child.height)
      items?.push(child.located!)
    }
    this.#next++
    return { value, at: start, weight, height: height + 1, located: items && { at: start, items } }
  }

  #mapping(start: number, depth: number): Node {
    this.#lastAt = start
    const value: MutableJsonObject = {}
    const entries: Map<string, LocatedEntry> | undefined = this.#locate ? new Map() : undefined
    const merged = new Set<string>()
    let weight = 1
    let height = 0
    while (this.#events[this.#next]!.type !== EVENT_ID.POP) {
      const key = this.#node(depth + 1)
      this.#lastAt = key.at
      const child = this.#node(depth + 1)
      height = Math.max(height, child.height)
      if (key.merges) {
        weight += this.#merge(value, entries, merged, key.at, child)
        continue
      }
      const name = this.#keyText(key)
      if (name === undefined) continue
      weight += key.weight + child.weight
      if (Object.hasOwn(value, name) && !merged.delete(name)) {
        const first = entries?.get(name)?.keyAt
        this.#problem(
          'YAML_DUPLICATE_KEY',
          key.at,
          `key ${JSON.stringify(name)} stands twice in one mapping`,
          first === undefined ? 'keep one of the two' : undefined,
        )
      }
      setKey(value, name, child.value)
      entries?.set(name, { keyAt: key.at, node: child.located! })
    }
    this.#next++
    return { value, at: start, weight, height: height + 1, located: entries && { at: start, entries } }
  }

  /** `<<`: keys that the mapping does not have itself; of several sources the earlier wins. Returns what was added. */
  #merge(
    target: MutableJsonObject,
    entries: Map<string, LocatedEntry> | undefined,
    merged: Set<string>,
    at: number,
    source: Node,
  ): number {
    if (source.refused) return 1
    const sources: { readonly value: Json; readonly located?: Located }[] = Array.isArray(source.value)
      ? source.value.map((value, index) => ({ value: value as Json, located: source.located?.items?.[index] }))
      : [source]
    let added = 0
    for (const { value, located } of sources) {
      if (!isJsonObject(value)) {
        this.#problem('YAML_MERGE', at, 'what "<<" merges is not a mapping', 'merge a mapping or a list of mappings')
        continue
      }
      for (const key of Object.keys(value)) {
        added++
        if (Object.hasOwn(target, key)) continue
        setKey(target, key, getKey(value as JsonObject, key))
        merged.add(key)
        const entry = located?.entries?.get(key)
        if (entry !== undefined) entries?.set(key, entry)
      }
    }
    const weight = added + source.weight
    this.#grow(weight, at)
    return weight
  }

  #alias(start: number, end: number, depth: number): Node {
    const at = Math.max(0, start - 1)
    this.#lastAt = at
    const name = this.#source.slice(start, end)
    const located = this.#locate ? { at } : undefined
    const nothing: Node = { value: null, at, weight: 1, height: 0, located, refused: true }
    this.#aliases++
    if (this.#aliases > this.#limits.maxAliases) {
      if (this.#aliases === this.#limits.maxAliases + 1) {
        this.#problem('YAML_ALIAS', at, `the document has more than ${this.#limits.maxAliases} aliases`)
      }
      return nothing
    }
    const anchor = this.#anchors.get(name)
    if (anchor === undefined) {
      this.#problem(
        'YAML_ALIAS',
        at,
        `alias *${name} refers to no anchor`,
        `quote it to make it text, or put &${name} at an earlier node`,
      )
      return nothing
    }
    if (anchor === 'open') {
      this.#problem('YAML_ALIAS', at, `alias *${name} stands inside the node that it refers to`)
      return nothing
    }
    if (depth + anchor.height > this.#limits.maxDepth) {
      this.#problem('YAML_ALIAS', at, `alias *${name} nests deeper than ${this.#limits.maxDepth} levels`)
      return nothing
    }
    if (!this.#grow(anchor.weight, at)) return nothing
    return { ...anchor, at, located: anchor.located && { ...anchor.located, at } }
  }

  /** False once the aliases of the document have added more than it may grow; said once. */
  #grow(weight: number, at: number): boolean {
    const before = this.#growth
    this.#growth += weight
    if (this.#growth <= this.#limits.maxAliasGrowth) return true
    if (before <= this.#limits.maxAliasGrowth) {
      this.#problem('YAML_ALIAS', at, 'aliases make the document grow beyond its limit', 'write the repeated part out')
    }
    return false
  }

  #scalar(event: ScalarEvent): Node {
    const text = getScalarValue(this.#source, event)
    const at = event.valueStart === NONE ? this.#emptyAt(event) : event.valueStart - quoteWidth(event)
    this.#lastAt = at
    const merges = event.style === SCALAR_STYLE.PLAIN && text === '<<' && event.tagStart === NONE
    const value = this.#scalarValue(event, text, at)
    return {
      value: typeof value === 'number' && !Number.isFinite(value) ? this.#notFinite(text, at) : value,
      at,
      weight: 1 + text.length,
      height: 0,
      located: this.#locate ? { at } : undefined,
      ...(merges ? { merges: true as const } : {}),
    }
  }

  #emptyAt(event: ScalarEvent): number {
    if (event.tagStart !== NONE) return event.tagStart
    return event.anchorStart === NONE ? this.#lastAt : event.anchorStart - 1
  }

  #notFinite(text: string, at: number): null {
    this.#problem('YAML_NUMBER', at, `${text} has no JSON form`, 'quote it to make it text')
    return null
  }

  #scalarValue(event: ScalarEvent, text: string, at: number): Json {
    if (event.tagStart === NONE) return event.style === SCALAR_STYLE.PLAIN ? resolvePlainScalar(text) : text
    const tag = this.#source.slice(event.tagStart, event.tagEnd)
    switch (standardTag(tag)) {
      case '':
      case 'str':
      case 'timestamp':
        return text
      case 'null':
        return null
      case 'bool':
        return resolveBoolean(text) ?? this.#mistagged(tag, text, at)
      case 'int':
        return resolveInteger(text.replaceAll('_', '')) ?? this.#mistagged(tag, text, at)
      case 'float':
        return Number(resolveNumber(text) ?? this.#mistagged(tag, text, at))
      case 'binary':
        return this.#binary(tag, text, at)
      default:
        return this.#unknownTag(tag, event.tagStart)
    }
  }

  #binary(tag: string, text: string, at: number): Json {
    const packed = text.replaceAll(/\s/g, '')
    if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return this.#mistagged(tag, text, at)
    return Buffer.from(packed, 'base64').toString('utf8')
  }

  #mistagged(tag: string, text: string, at: number): null {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
    this.#problem('YAML_TAG', at, `${JSON.stringify(shown)} is not what its tag ${tag} says`)
    return null
  }

  #unknownTag(tag: string, at: number): null {
    this.#problem('YAML_TAG', at, `tag ${tag} is not known here`, 'leave the tag out, or quote the text')
    return null
  }

  #checkCollectionTag(start: number, end: number, expected: 'seq' | 'map'): void {
    if (start === NONE) return
    const tag = this.#source.slice(start, end)
    const name = standardTag(tag)
    if (name !== '' && name !== expected) this.#unknownTag(tag, start)
  }

  #keyText(key: Node): string | undefined {
    switch (typeof key.value) {
      case 'string':
        return key.value
      case 'boolean':
      case 'number':
      case 'bigint':
        return String(key.value)
      default:
        this.#problem('YAML_KEY', key.at, 'a key must be text', this.#keyHint(key.at))
        return undefined
    }
  }

  /** `name: {{cluster}}` is what people write who mean a template. */
  #keyHint(at: number): string {
    return this.#source.slice(at - 1, at + 1) === '{{' ? 'put a template in quotes: "{{…}}"' : 'quote the key'
  }
}

/** `!!str` and `!<tag:yaml.org,2002:str>` → `str`; the bare `!` → ``; anything else stays as it is. */
function standardTag(tag: string): string {
  if (tag === '!') return ''
  if (tag.startsWith('!!')) return tag.slice(2)
  const verbatim = `!<${TAG_PREFIX}`
  return tag.startsWith(verbatim) && tag.endsWith('>') ? tag.slice(verbatim.length, -1) : tag
}

function quoteWidth(event: ScalarEvent): number {
  return event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0
}
