import { compareUtf8 } from '../go-text.ts'

/** One Application of a set, as Argo CD lists it in the status of the set (applicationsets.md 12.4). */
export interface ResourceStatus {
  readonly name: string
  readonly namespace?: string
  readonly status?: string
  readonly health?: { readonly status: string; readonly message?: string }
}

/**
 * The Applications of a set by name, as many as the limit allows, and how many there are.
 *
 * @param limit 0: all of them.
 */
export function resourcesStatus(
  applications: readonly ResourceStatus[],
  limit = 5_000,
): { readonly resources: readonly ResourceStatus[]; readonly count: number } {
  const sorted = [...applications].sort((a, b) => compareUtf8(a.name, b.name))
  return { resources: limit > 0 ? sorted.slice(0, limit) : sorted, count: sorted.length }
}
