import type { ApplicationRow } from '@flotilla/core/ports/store'
import { MemoryBundles } from '../../bundle/memory-bundles.ts'
import { noHosts } from '../../hosts/testing/no-hosts.ts'
import type { ConfigSource } from '../../loop/config-sources.ts'
import type { HostedInputs } from '../../loop/services.ts'
import { CONFIG, LoopHarness } from '../../loop/testing/loop-harness.ts'
import { directoryRenderer } from '../../render/directory-renderer.ts'
import type { MemoryFile } from '../../source/git/memory-backend.ts'
import { MemoryStore } from '../../store/memory-store.ts'
import type { Preview } from '../preview.ts'
import { runPreview } from '../run-preview.ts'
import { SidedRepositories } from '../sided-repositories.ts'

/** Files by repository URL; `null` removes one. */
export type Files = { readonly [url: string]: { readonly [path: string]: MemoryFile | null } }

export interface Outcome {
  readonly created: readonly string[]
  readonly updated: readonly string[]
  readonly deleted: readonly string[]
  /** `name CODE`. */
  readonly held: readonly string[]
}

export interface Comparison {
  readonly preview: Preview
  /** What the preview says, and what became of the Applications of a hub that took the change. */
  readonly foreseen: Outcome
  readonly happened: Outcome
}

const QUIET: readonly (string | undefined)[] = [undefined, 'CLUSTER_NOT_JOINED', 'SYNC_NOT_AUTOMATED']

/**
 * Takes a fleet and a change of it to a hub whose clusters have all joined, and to a preview that knows only the files;
 * both answers in the same words. That they are equal is the law of previews.
 */
export async function compareWithHub(
  base: Files,
  head: Files,
  configSources: readonly ConfigSource[] = [
    { name: 'platform', repository: CONFIG, revision: 'main', path: '', trust: { kind: 'all' } },
  ],
  hosted: HostedInputs = noHosts,
): Promise<Comparison> {
  const hub = new LoopHarness(configSources)
  hub.hosted = hosted
  const bases = commitAll(hub, base)
  await hub.start()
  for (const url of Object.keys(base)) await hub.refresh(url)
  for (const { name } of [...hub.loop.world.clusters()]) await hub.join(name)
  const before = new Map([...hub.loop.world.applications()].map(row => [row.id, row]))
  const heads = new Map([...bases, ...commitAll(hub, head)])
  for (const url of Object.keys({ ...base, ...head })) hub.loop.refreshRepository(url)
  await hub.loop.idle()
  const after = new Map([...hub.loop.world.applications()].map(row => [row.id, row]))
  await hub.loop.stop()

  const preview = await runPreview({
    configSources,
    repositories: new SidedRepositories({
      open: async url => {
        if (!hub.git.supports(url)) return undefined
        const repository = await hub.git.open(url, '/preview')
        await repository.fetch()
        return {
          base: repository,
          head: repository,
          resolve: async (revision, side) =>
            revision === 'main' || revision === 'HEAD'
              ? (side === 'base' ? bases : heads).get(url)
              : await repository.resolve(revision),
        }
      },
      failure: url => ({ code: 'REPOSITORY_UNREACHABLE', message: `no ${url}` }),
    }),
    hosted,
    renderer: directoryRenderer(),
    store: new MemoryStore(),
    bundles: new MemoryBundles(() => 0),
    clock: hub.clock,
    presumeApplied: true,
  })
  return { preview, foreseen: foreseenBy(preview), happened: happenedBetween(before, after) }
}

function commitAll(hub: LoopHarness, files: Files): Map<string, string> {
  return new Map(Object.entries(files).map(([url, changes]) => [url, hub.git.commit(url, changes)]))
}

function foreseenBy({ created, updated, deleted, held }: Preview): Outcome {
  const names = (list: readonly { readonly name: string }[]): readonly string[] => list.map(({ name }) => name).sort()
  return {
    created: names(created),
    updated: names(updated),
    deleted: names(deleted),
    held: held.map(({ name, code }) => `${name} ${code}`).sort(),
  }
}

/** Told from the stored rows alone, in the plainest words there are. */
function happenedBetween(
  before: ReadonlyMap<string, ApplicationRow>,
  after: ReadonlyMap<string, ApplicationRow>,
): Outcome {
  const created: string[] = []
  const updated: string[] = []
  const deleted: string[] = []
  const held: string[] = []
  for (const [id, row] of after) {
    const was = before.get(id)
    const code = row.hold?.code
    const differs = was === undefined || meaningOf(was) !== meaningOf(row)
    const heldNow = !QUIET.includes(code)
    if (row.state === 'withdrawn') {
      if (was && was.state !== 'withdrawn') deleted.push(row.name)
    } else if (heldNow && (differs || holdText(was) !== holdText(row))) held.push(`${row.name} ${code}`)
    else if (was === undefined) created.push(row.name)
    else if (differs || (holdText(was) !== '' && !heldNow)) updated.push(row.name)
  }
  for (const [id, row] of before) if (!after.has(id) && row.state !== 'withdrawn') deleted.push(row.name)
  return { created: created.sort(), updated: updated.sort(), deleted: deleted.sort(), held: held.sort() }
}

function meaningOf({ document, digest, set, state }: ApplicationRow): string {
  return JSON.stringify([document, digest, set, state])
}

function holdText(row: ApplicationRow | undefined): string {
  return QUIET.includes(row?.hold?.code) ? '' : `${row!.hold!.code} ${row!.hold!.reason}`
}
