import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Renderer } from '@flotilla/core/ports/renderer'
import type { Store } from '@flotilla/core/ports/store'
import type { ConfigSource } from '../loop/config-sources.ts'
import type { HostedInputs } from '../loop/services.ts'
import type { RepositoryMirrors } from '../source/mirror.ts'
import { amendFiles } from './amend-files.ts'
import { OverlayBundles, OverlayStore } from './overlay-store.ts'
import { type Preview, PreviewError, type PreviewLimits } from './preview.ts'
import { type PreviewInput, runPreview } from './run-preview.ts'
import { SidedRepositories, type SidedSource } from './sided-repositories.ts'

/** A change of a hub's own fleet: another commit of a config source, or documents in the place of its own. */
export interface ChangeRequest {
  /** Name of the config source; may be left out when there is one. */
  readonly source?: string
  /** Branch, tag or commit of its repository. */
  readonly revision?: string
  /** YAML documents; each takes the place of the one of its kind and name, or is new. */
  readonly documents?: string
}

export interface PreviewParts {
  readonly configSources: readonly ConfigSource[]
  readonly store: Store
  readonly bundles: BundleStore
  readonly mirrors: Pick<RepositoryMirrors, 'open' | 'refresh' | 'failure'>
  readonly renderer: Renderer
  readonly hosted: HostedInputs
  readonly expand?: PreviewInput['expand']
  readonly clock: Clock
  readonly setPolicy?: PreviewInput['setPolicy']
  readonly gates?: PreviewInput['gates']
  readonly signatures?: PreviewInput['signatures']
  readonly breathe?: PreviewInput['breathe']
}

/** What a request has to keep to: a preview runs in the hub's own process. */
const LIMITS: PreviewLimits = { maxApplications: 20_000, maxDiffCharacters: 4 * 1024 * 1024, maxMs: 60_000 }

/** How long a repository that the hub has never read may take. */
const FETCH_WAIT_MS = 20_000

/**
 * What a change would do to the fleet as this hub has it now, with its inputs as they are now. Nothing of the hub is
 * written, nobody is told; one at a time.
 */
export class HubPreviewer {
  readonly #parts: PreviewParts
  #busy = false

  constructor(parts: PreviewParts) {
    this.#parts = parts
  }

  /** @throws PreviewError, with `PREVIEW_BUSY` while another is made. */
  async preview(request: ChangeRequest): Promise<Preview> {
    if (this.#busy) throw new PreviewError('PREVIEW_BUSY', 'preview', 'another one is being made; one at a time')
    this.#busy = true
    try {
      return await this.#preview(request)
    } finally {
      this.#busy = false
    }
  }

  async #preview(request: ChangeRequest): Promise<Preview> {
    const { configSources, store, bundles, mirrors, renderer, hosted, expand, clock, setPolicy, gates, breathe } =
      this.#parts
    const config = sourceOf(request, configSources)
    const head = request.revision === undefined ? undefined : await this.#headOf(config, request.revision)
    const clusters = await store.read(rows => rows.clusters())
    const { documents } = request
    return await runPreview({
      configSources,
      repositories: new SidedRepositories({
        ...mirroredSides(mirrors, clock, config, head),
        ...(documents !== undefined && {
          amend: (path, files, side) =>
            side === 'head' && files.kind === 'read' && path === config.path
              ? { ...files, files: amendFiles(files.files, path, documents) }
              : files,
        }),
      }),
      hosted,
      ...(expand && { expand }),
      renderer,
      store: await OverlayStore.copyOf(store, breathe),
      bundles: new OverlayBundles(bundles),
      clock,
      presumeApplied: false,
      joined: new Set(clusters.filter(({ agentKey, revokedAt }) => agentKey && !revokedAt).map(({ name }) => name)),
      ...(documents !== undefined && { amended: config.name }),
      ...(setPolicy && { setPolicy }),
      ...(gates && { gates }),
      ...(this.#parts.signatures && { signatures: this.#parts.signatures }),
      ...(breathe && { breathe }),
      limits: LIMITS,
    })
  }

  async #headOf({ repository: url, name }: ConfigSource, revision: string): Promise<string> {
    const { mirrors } = this.#parts
    await mirrors.refresh(url)
    const commit = await (await mirrors.open(url))?.resolve(revision)
    if (commit !== undefined) return commit
    const why = mirrors.failure(url)?.message ?? `its repository has no revision "${revision}"`
    throw new PreviewError('REVISION_UNKNOWN', `config source "${name}"`, why)
  }
}

function sourceOf({ source }: ChangeRequest, configSources: readonly ConfigSource[]): ConfigSource {
  const found =
    source === undefined && configSources.length === 1
      ? configSources[0]
      : configSources.find(({ name }) => name === source)
  if (found) return found
  const known = configSources.map(({ name }) => name).join(', ')
  const message = source === undefined ? `name one of ${known}` : `there is none; there are ${known}`
  throw new PreviewError('SOURCE_UNKNOWN', `config source "${source ?? ''}"`, message)
}

/** The mirrors as they are; at the head, the changed revision of the changed repository is another commit. */
function mirroredSides(
  mirrors: PreviewParts['mirrors'],
  clock: Clock,
  config: ConfigSource,
  head: string | undefined,
): Omit<SidedSource, 'amend'> {
  return {
    open: async url => {
      let repository = await mirrors.open(url)
      if (!repository) {
        // What the hub has never read it would fetch after the merge, so it is fetched now; not for ever.
        await Promise.race([mirrors.refresh(url), clock.sleep(FETCH_WAIT_MS)])
        repository = await mirrors.open(url)
      }
      const found = repository
      if (!found) return undefined
      return {
        base: found,
        head: found,
        resolve: async (revision, side) => {
          const moved = side === 'head' && url === config.repository && revision === config.revision
          return moved && head !== undefined ? head : await found.resolve(revision)
        },
      }
    },
    failure: url => mirrors.failure(url),
  }
}
