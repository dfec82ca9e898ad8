import type { Json } from '../json/json.ts'
import type { KubernetesObject } from '../model/kubernetes-object.ts'
import type { FieldPath } from './field-path.ts'
import type { FieldStep } from './field-set.ts'

/** One field that is not as it should be. A side without it has no member here. */
export interface Difference {
  readonly path: FieldPath
  readonly steps: readonly FieldStep[]
  readonly live?: Json
  readonly desired?: Json
}

/** Whether a difference does not count. @throws never: what cannot be computed counts. */
export type DifferenceTest = (difference: Difference, live: KubernetesObject) => boolean
