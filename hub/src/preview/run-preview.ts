import type { BundleStore } from '@flotilla/core/ports/bundle-store'
import type { Clock } from '@flotilla/core/ports/clock'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import type { Renderer } from '@flotilla/core/ports/renderer'
import type { Store } from '@flotilla/core/ports/store'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { hubKeysOf, newHubKeyFile } from '../gateway/hub-keys.ts'
import type { ConfigSource } from '../loop/config-sources.ts'
import { Loop } from '../loop/loop.ts'
import type { HostedInputs, LoopServices } from '../loop/services.ts'
import { compareSides } from './compare-sides.ts'
import { presumeApplied } from './presume-applied.ts'
import { PREVIEW_LIMITS, type Preview, PreviewError, type PreviewLimits } from './preview.ts'
import { type SideState, stateOf } from './side-state.ts'
import type { SidedRepositories } from './sided-repositories.ts'

export interface PreviewInput {
  readonly configSources: readonly ConfigSource[]
  readonly repositories: SidedRepositories
  readonly hosted: HostedInputs
  /** How sets are expanded. */
  readonly expand?: LoopServices['expand']
  readonly renderer: Renderer
  /** What is known before: empty for a fleet that is presumed, a copy of a hub's own. It is written to. */
  readonly store: Store
  readonly bundles: BundleStore
  readonly clock: Clock
  /**
   * `true`: every declared Cluster has an agent and holds what is declared for it, as is to be presumed where no hub can
   * be asked.
   */
  readonly presumeApplied: boolean
  /** Names of Clusters whose agent has joined, besides those presumed so. */
  readonly joined?: ReadonlySet<string>
  /** The config source that has other documents at the head without another commit. */
  readonly amended?: string
  /** What sets may do, by the hub's settings. */
  readonly setPolicy?: LoopServices['setPolicy']
  /** What the hub's settings say of gates. */
  readonly gates?: LoopServices['gates']
  /** Checks signatures; without it none is asked for, as where folders stand for repositories. */
  readonly signatures?: LoopServices['signatures']
  readonly limits?: Partial<PreviewLimits>
  /** Lets the process do something else for a moment; for one that has something else to do. */
  readonly breathe?: () => Promise<void>
}

/**
 * What a change would do: the hub's own loop runs in memory, first over the base, then over the head, and what became
 * of every Application is compared. There is no second set of rules that could say something else than the hub does
 * after the merge.
 *
 * No agent is asked, nothing is offered, nobody is told. Time stands still, so that whatever waits for time waits.
 *
 * @throws PreviewError
 */
export async function runPreview(input: PreviewInput): Promise<Preview> {
  const limits = { ...PREVIEW_LIMITS, ...input.limits }
  const failures: string[] = []
  const clock = new VirtualClock({ startAt: input.clock.now(), settle: async () => undefined })
  const loop = newLoop(input, clock, failures)
  const deadline = new Deadline(input.clock, limits.maxMs)
  try {
    await loop.start()
    await deadline.hold(loop.idle())
    requireSettled(loop, failures, limits)
    await requireReadable(input)
    if (input.presumeApplied) await presumeApplied(loop.world, input.store, clock.now())
    const base = await stateOf(loop.world, input.store)
    input.repositories.showHead()
    await deadline.hold(takeHead(loop, input))
    requireSettled(loop, failures, limits)
    await requireReadable(input)
    const head = await stateOf(loop.world, input.store)
    return await compareSides(base, head, {
      bundles: input.bundles,
      limits,
      joined: joinedOf(input, base),
      breathe: input.breathe,
    })
  } finally {
    deadline.end()
    await loop.stop()
  }
}

/**
 * What changes in several repositories arrives at a hub one after the other, and what a set's document says may decide
 * on what its folders mean: the config is taken first.
 */
async function takeHead(loop: Loop, { configSources, amended }: PreviewInput): Promise<void> {
  const config = new Set(configSources.map(({ repository }) => repository))
  for (const url of config) loop.refreshRepository(url)
  if (amended !== undefined) loop.refreshSource(amended)
  await loop.idle()
  for (const url of loop.repositories()) if (!config.has(url)) loop.refreshRepository(url)
  await loop.idle()
}

function joinedOf({ presumeApplied: presumed, joined }: PreviewInput, base: SideState): ReadonlySet<string> {
  return presumed ? new Set([...base.clusters, ...(joined ?? [])]) : (joined ?? new Set())
}

function newLoop(input: PreviewInput, clock: VirtualClock, failures: string[]): Loop {
  const random = seededRandom(1)
  const nobody = (): void => undefined
  return new Loop(
    {
      store: input.store,
      bundles: input.bundles,
      renderer: input.renderer,
      repositories: input.repositories,
      hosted: input.hosted,
      ...(input.expand && { expand: input.expand }),
      // Never leave this process: whatever is signed with them is thrown away.
      keys: hubKeysOf(newHubKeyFile(random, clock.now(), '00000000-0000-7000-8000-000000000000')),
      clock,
      random,
      log: failureLog(failures),
      removalGraceMs: Number.MAX_SAFE_INTEGER,
      ...(input.setPolicy && { setPolicy: input.setPolicy }),
      ...(input.gates && { gates: input.gates }),
      signatures: input.signatures ?? { problemOf: async () => undefined },
      announce: { applications: nobody, sets: nobody, sources: nobody, clusters: nobody, documents: nobody },
    },
    input.configSources,
  )
}

/** What the loop would try again later is the end of a preview: there is no later. */
function failureLog(failures: string[]): Log {
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (message, fields) => {
      const error = fields?.['error']
      failures.push(error instanceof Error ? `${message}: ${error.message}` : message)
    },
    child: () => log,
  }
  return log
}

function requireSettled(loop: Loop, failures: readonly string[], limits: PreviewLimits): void {
  const [first] = failures
  if (first !== undefined) throw new PreviewError('PREVIEW_FAILED', 'preview', first)
  if (loop.world.applicationCount > limits.maxApplications) {
    const message = `there are ${loop.world.applicationCount} Applications; a preview takes ${limits.maxApplications}`
    throw new PreviewError('PREVIEW_TOO_LARGE', 'preview', message)
  }
}

/** A source that cannot be read changes nothing at a hub, which keeps what it had: no answer to what was asked. */
async function requireReadable({ store, repositories }: PreviewInput): Promise<void> {
  for (const { name, repository, error } of await store.read(rows => rows.sources())) {
    if (error === undefined || repositories.failure(repository)) continue
    const subject = name === '' ? 'the config' : `config source "${name}"`
    throw new PreviewError('CONFIG_UNREADABLE', subject, `${error.message}; a hub would keep what it has`)
  }
}

/** Ends waiting when wall time is up; the work itself is stopped by who waits. */
class Deadline {
  readonly #stop = new AbortController()
  readonly #passed: Promise<never>

  constructor(clock: Clock, ms: number) {
    this.#passed = clock.sleep(ms, this.#stop.signal).then(() => {
      throw new PreviewError('PREVIEW_TOO_SLOW', 'preview', `it took longer than ${ms} ms`)
    })
    // Whether anybody waits or not.
    this.#passed.catch(() => undefined)
  }

  hold<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#passed])
  }

  end(): void {
    this.#stop.abort()
  }
}
