import type { Application } from '@flotilla/core/model/application'
import type { Position } from '@flotilla/core/model/diagnostic'
import type { GeneratedDocument } from './generated-documents.ts'
import type { InputRequest } from './inputs.ts'

/** Argo CD's reasons, where it has one, so that scripts and people find the word they know (applicationsets.md 1.4). */
export type ExpansionErrorReason =
  | 'ApplicationGenerationFromParamsError'
  | 'RenderTemplateParamsError'
  | 'ApplicationValidationError'
  /** The generator or option exists in Argo CD and is not built here yet. */
  | 'UnsupportedGenerator'

/** One thing that went wrong, found where it happened: generator → element → stage, with file:line:column. */
export interface ExpansionError {
  readonly reason: ExpansionErrorReason
  readonly code: string
  readonly stage: 'generate' | 'render' | 'patch' | 'validate'
  /** Path of the generator entry: `0`, `1.matrix.0`. */
  readonly generator: string
  readonly element?: number
  readonly message: string
  readonly hint?: string
  readonly position: Position
  /** Whether the input is away for now, so that the last good result of this generator stays in force. */
  readonly stale: boolean
}

export interface GeneratorOutcome {
  /** Index of the top-level entry of `spec.generators`. */
  readonly generator: string
  readonly status: 'ok' | 'failed' | 'waiting'
  readonly applications: readonly Application[]
  /**
   * Whether this list is the word of a provider that says of each element that it is over (an open pull request that is
   * closed now), so that what is missing from it does not count against a deletion budget. Never for a listing in which
   * an element may be missing for another reason: folders, clusters, a repository that the host does not find, a matrix
   * of which any child is not authoritative.
   */
  readonly authoritative?: boolean
  /** What `spec.documents` became, not yet read as their kinds ask for. */
  readonly documents?: readonly GeneratedDocument[]
}

export interface Expansion {
  /** Of all generators that are `ok`, in the order of the document; names may repeat (resolved across sets later). */
  readonly applications: readonly Application[]
  readonly generators: readonly GeneratorOutcome[]
  readonly errors: readonly ExpansionError[]
  /** Inputs that had no answer yet: gather them and expand again. */
  readonly needs: readonly InputRequest[]
}
