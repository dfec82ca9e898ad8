import { gunzipSync, gzipSync } from 'node:zlib'
import { getKey, type JsonObject } from '../json/json.ts'
import { textAt } from '../json/read-json.ts'
import type { KubernetesObject, ObjectKey } from '../model/kubernetes-object.ts'
import { entryLine, type Inventory, inventoryEntries } from './inventory.ts'

/** Below this the entries stand as text that `kubectl get -o yaml` shows; above, compressed (etcd takes 1.5 MB). */
const MOST_TEXT_BYTES = 64 * 1024
/** 100,000 identities of the longest names. */
const MOST_INFLATED_BYTES = 64 * 1024 * 1024

export class InventoryCorrupt extends Error {
  readonly code = 'INVENTORY_CORRUPT'
  readonly subject: string
  readonly retry = false
  constructor(subject: string, message: string, options?: { cause?: unknown }) {
    super(`${subject}: ${message} (INVENTORY_CORRUPT)`, options)
    this.name = 'InventoryCorrupt'
    this.subject = subject
  }
}

/** Members `data` or `binaryData` of the ConfigMap that keeps an Inventory. */
export function encodeInventory({ application, entries, unproved = [], settled }: Inventory): JsonObject {
  const text = entries.map(entryLine).join('\n')
  const doubts = unproved.length === 0 ? {} : { unproved: unproved.map(entryLine).join('\n') }
  const about = {
    application: application.id,
    name: application.name,
    format: '1',
    ...doubts,
    ...(settled === undefined ? {} : { settled: `${settled}` }),
  }
  if (Buffer.byteLength(text) <= MOST_TEXT_BYTES) return { data: { ...about, entries: text } }
  return { data: about, binaryData: { entries: gzipSync(text).toString('base64') } }
}

/**
 * Reads what {@link encodeInventory} wrote. A damaged one is an error and never an empty list: an empty Inventory
 * would let objects be forgotten.
 *
 * @throws InventoryCorrupt
 */
export function decodeInventory(stored: KubernetesObject): Inventory {
  const subject = `ConfigMap ${stored.metadata.namespace ?? ''}/${stored.metadata.name ?? ''}`
  const data = stored['data']
  const id = textAt(data, 'application')
  if (textAt(data, 'format') !== '1' || id === '') throw new InventoryCorrupt(subject, 'the format is not known')
  const entries = parseLines(readEntries(stored, subject), subject)
  const unproved = parseLines(textAt(data, 'unproved'), subject)
  const application = { id, name: textAt(data, 'name') }
  const settled = textAt(data, 'settled')
  return {
    application,
    entries,
    ...(unproved.length === 0 ? {} : { unproved }),
    ...(/^\d{1,9}$/.test(settled) ? { settled: Number(settled) } : {}),
  }
}

function parseLines(text: string, subject: string): readonly ObjectKey[] {
  const lines = text === '' ? [] : text.split('\n')
  return inventoryEntries(lines.map(line => parseLine(line, subject)))
}

function readEntries(stored: KubernetesObject, subject: string): string {
  const compressed = textAt(stored['binaryData'], 'entries')
  if (compressed === '') {
    const plain = getKey((stored['data'] ?? {}) as JsonObject, 'entries')
    if (typeof plain !== 'string') throw new InventoryCorrupt(subject, 'the entries are missing')
    return plain
  }
  try {
    const inflated = gunzipSync(Buffer.from(compressed, 'base64'), { maxOutputLength: MOST_INFLATED_BYTES })
    return inflated.toString('utf8')
  } catch (error) {
    throw new InventoryCorrupt(subject, 'the entries cannot be inflated', { cause: error })
  }
}

function parseLine(line: string, subject: string): ObjectKey {
  const [group, kind, namespace, name, ...more] = line.split('\t')
  if (group === undefined || !kind || namespace === undefined || !name || more.length > 0) {
    throw new InventoryCorrupt(subject, `"${line.slice(0, 100)}" is no entry`)
  }
  return { group, kind, namespace, name }
}
