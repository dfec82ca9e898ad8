import { isJsonObject, type Json } from '../json/json.ts'

const CONTAINER_LISTS = ['containers', 'initContainers', 'ephemeralContainers'] as const

/**
 * Every container image that the objects name, distinct and sorted. Pod specs are found wherever they stand (Pod,
 * Deployment, CronJob, a custom resource that embeds one), because what makes a pod spec is its lists of containers.
 *
 * @example
 * extractImages([{ apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] } }])
 * // => ['nginx:1.27']
 */
export function extractImages(objects: readonly Json[]): readonly string[] {
  const known = extracted.get(objects)
  if (known) return known
  const images = find(objects)
  extracted.set(objects, images)
  return images
}

/** A Bundle does not change, and its images are asked for at each look. */
const extracted = new WeakMap<readonly Json[], readonly string[]>()

function find(objects: readonly Json[]): readonly string[] {
  const images = new Set<string>()
  const pending: Json[] = [...objects]
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (Array.isArray(value)) {
      pushAll(pending, value)
    } else if (isJsonObject(value)) {
      for (const list of CONTAINER_LISTS) collectFrom(value[list], images)
      pushAll(pending, Object.values(value))
    }
  }
  return [...images].sort()
}

function pushAll(pending: Json[], values: readonly (Json | undefined)[]): void {
  for (const value of values)
    if (value !== undefined && typeof value === 'object' && value !== null) pending.push(value)
}

function collectFrom(containers: Json | undefined, images: Set<string>): void {
  if (!Array.isArray(containers)) return
  for (const container of containers as readonly Json[]) {
    if (!isJsonObject(container)) continue
    const image = container['image']
    if (typeof image === 'string' && image !== '') images.add(image)
  }
}
