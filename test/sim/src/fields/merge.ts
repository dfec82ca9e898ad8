import { isJsonObject, type Json, type MutableJsonObject, setKey } from '@flotilla/core/json/json'
import { atomOf, type ListSchema, memberSchema, type Schema } from '../schema/schema.ts'
import { itemElement, type PathElement } from './path-element.ts'

/**
 * Lays an applied configuration over the live value: maps key by key, list maps and sets item by item, the rest
 * replaced. Items keep the live order except where the configuration orders shared items otherwise.
 */
export function mergeValues(schema: Schema, live: Json | undefined, config: Json | undefined): Json | undefined {
  const atom = atomOf(schema, config === undefined ? live : config)
  const right = config === undefined ? live : config
  if (atom.kind === 'scalar') return right
  if (atom.kind === 'list') {
    const before = Array.isArray(live) ? (live as readonly Json[]) : []
    const after = Array.isArray(config) ? (config as readonly Json[]) : []
    if (atom.merge === 'atomic' || before.length + after.length === 0) return right
    return mergeItems(atom, before, after)
  }
  const before = isJsonObject(live) ? live : {}
  const after = isJsonObject(config) ? config : {}
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  if (atom.atomic || keys.size === 0) return right
  const merged: MutableJsonObject = {}
  for (const key of keys) {
    const below = memberSchema(atom, key)
    if (!below) continue
    const member = mergeValues(below, before[key], after[key])
    if (member !== undefined) setKey(merged, key, member)
  }
  return Object.keys(merged).length > 0 ? merged : undefined
}

function mergeItems(list: ListSchema, live: readonly Json[], config: readonly Json[]): Json | undefined {
  const liveSteps = live.map(item => itemElement(list, item))
  const configSteps = config.map(item => itemElement(list, item))
  const liveItems = new Map<PathElement, Json | null>()
  liveSteps.forEach((step, index) => {
    // An item that stands twice in the live list is not merged with: the configuration's takes its place.
    liveItems.set(step, liveItems.has(step) ? null : live[index]!)
  })
  const configItems = new Map(configSteps.map((step, index) => [step, config[index]!] as const))
  const shared = configSteps.filter(step => liveItems.has(step))
  const merged: Json[] = []
  const done = new Set<PathElement>()
  const take = (left: Json | undefined, right: Json | undefined) => {
    const item = mergeValues(list.items, left, right)
    if (item !== undefined) merged.push(item)
  }
  let next = shared.shift()
  let l = 0
  let r = 0
  while (l < liveSteps.length || r < configSteps.length) {
    const step = liveSteps[l]
    if (step !== undefined && r < configSteps.length) {
      if (step === configSteps[r]) {
        done.add(step)
        take(liveItems.get(step), configItems.get(step))
        l++
        r++
        next = shared.shift()
        continue
      }
      if (configItems.has(step) && next !== undefined && next !== step) {
        l++
        continue
      }
    }
    if (step !== undefined) {
      if (!configItems.has(step)) {
        take(live[l], undefined)
        l++
        continue
      }
      if (done.has(step)) l++
    }
    if (r < configSteps.length) {
      const wanted = configSteps[r]!
      done.add(wanted)
      take(liveItems.get(wanted), configItems.get(wanted))
      r++
      if (next === wanted) next = shared.shift()
    }
  }
  return merged.length > 0 ? merged : undefined
}
