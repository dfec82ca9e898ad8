import type { Digest } from '@flotilla/core/json/canonical-json'
import type { EncodedBundle } from '@flotilla/core/model/bundle'
import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Renderer, RenderInput, RenderProblem } from '@flotilla/core/ports/renderer'

/** Where results are remembered between restarts: input key → digest. */
export interface RenderIndex {
  get(key: string): Digest | undefined | Promise<Digest | undefined>
  put(key: string, digest: Digest): void | Promise<void>
}

export type Rendering =
  /** The same input was rendered before, and its Bundle is still stored. */
  | { readonly kind: 'remembered'; readonly key: string; readonly digest: Digest }
  | {
      readonly kind: 'rendered'
      readonly key: string
      readonly digest: Digest
      readonly bundle: EncodedBundle
      readonly warnings: readonly RenderProblem[]
    }
  | { readonly kind: 'failed'; readonly problems: readonly RenderProblem[] }

/**
 * Renders each distinct input once (decision 2): Applications that read the same tree with the same options share one
 * rendering, and a commit that touches none of them costs each one key. The Bundle is stored before it is remembered.
 */
export class RenderMemo {
  readonly #renderer: Renderer
  readonly #bundles: BundleStore
  readonly #index: RenderIndex
  readonly #underWay = new Map<string, Promise<Rendering>>()
  readonly counters = { keys: 0, renders: 0, remembered: 0 }

  constructor(parts: { readonly renderer: Renderer; readonly bundles: BundleStore; readonly index: RenderIndex }) {
    this.#renderer = parts.renderer
    this.#bundles = parts.bundles
    this.#index = parts.index
  }

  /** @throws GitError, BundleStoreError */
  async render(input: RenderInput): Promise<Rendering> {
    this.counters.keys++
    const found = await this.#renderer.inputKey(input)
    if (found.kind === 'failed') return found
    const { key } = found
    const running = this.#underWay.get(key)
    if (running) return running
    const work = this.#recallOrRender(key, input).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, work)
    return work
  }

  async #recallOrRender(key: string, input: RenderInput): Promise<Rendering> {
    const digest = await this.#index.get(key)
    // A Bundle may have been swept since (decision 29): then it is rendered again from the commit.
    if (digest !== undefined && (await this.#bundles.has(digest))) {
      this.counters.remembered++
      return { kind: 'remembered', key, digest }
    }
    this.counters.renders++
    const result = await this.#renderer.render(input)
    if (result.kind === 'failed') return result
    await this.#bundles.put(result.bundle.digest, result.bundle.bytes)
    await this.#index.put(key, result.bundle.digest)
    return { kind: 'rendered', key, digest: result.bundle.digest, bundle: result.bundle, warnings: result.warnings }
  }
}
