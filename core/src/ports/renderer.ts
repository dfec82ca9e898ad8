import type { ApplicationSource } from '../model/application.ts'
import type { EncodedBundle } from '../model/bundle.ts'
import type { HoldCode } from '../model/hold.ts'
import type { GitRepository, ObjectId } from './git.ts'

export interface RenderInput {
  readonly source: ApplicationSource
  readonly repository: GitRepository
  /** The commit that the source's revision resolved to. */
  readonly commit: ObjectId
}

/** A problem in what is to be rendered: where in the repository, and what. */
export interface RenderProblem {
  readonly code: HoldCode
  readonly message: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
  readonly hint?: string
}

export type RenderResult =
  | { readonly kind: 'rendered'; readonly bundle: EncodedBundle; readonly warnings: readonly RenderProblem[] }
  | { readonly kind: 'failed'; readonly problems: readonly RenderProblem[] }

/**
 * Source + tree → Bundle. Two inputs with the same {@link Renderer.inputKey} render to the same bytes, so the result
 * is remembered under it: a commit that does not touch what an Application reads costs one tree look-up.
 */
export interface Renderer {
  /** A key over the tree ids of exactly the paths read, the options and the tool's version; or why there is none. */
  inputKey(
    input: RenderInput,
  ): Promise<{ readonly kind: 'key'; readonly key: string } | Extract<RenderResult, { kind: 'failed' }>>
  render(input: RenderInput): Promise<RenderResult>
}
