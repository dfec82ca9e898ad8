import { isJsonObject } from '@flotilla/core/json/json'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'

/** Shorter ones would hide ordinary words, and protect nothing. */
const SHORTEST = 6
const MOST_VALUES = 500
const MASK = '***'

/**
 * Hides the values of Secrets that an Application deploys wherever its containers print them: in full, each line of a
 * value of several lines, and as base64. What a container makes of a value in another way cannot be known here.
 */
export class SecretValues {
  readonly #values: readonly string[]

  constructor(objects: readonly KubernetesObject[]) {
    const values = new Set<string>()
    for (const object of objects) {
      if (object.kind !== 'Secret' || object.apiVersion !== 'v1') continue
      for (const value of texts(object['stringData'])) addAll(values, value)
      for (const value of texts(object['data'])) addAll(values, Buffer.from(value, 'base64').toString('utf8'))
    }
    // Longer ones first: one may stand within another.
    this.#values = [...values].sort((a, b) => b.length - a.length).slice(0, MOST_VALUES)
  }

  masked(text: string): string {
    let shown = text
    for (const value of this.#values) if (shown.includes(value)) shown = shown.replaceAll(value, () => MASK)
    return shown
  }
}

function addAll(values: Set<string>, value: string): void {
  for (const each of [value, ...value.split(/\r?\n/), Buffer.from(value).toString('base64')]) {
    const trimmed = each.trim()
    if (trimmed.length >= SHORTEST) values.add(trimmed)
  }
}

function texts(values: unknown): string[] {
  return isJsonObject(values) ? Object.values(values).filter(value => typeof value === 'string') : []
}
