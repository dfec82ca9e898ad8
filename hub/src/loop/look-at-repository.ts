import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import type { EpochMs } from '@flotilla/core/time/epoch-ms'
import { type ChangedPath, changedPaths } from './changed-paths.ts'
import { waitingForSignature } from './check-signatures.ts'
import type { ConfigSource, ConfigSources, SourceFiles } from './config-sources.ts'
import type { LoopServices } from './services.ts'
import type { World } from './world.ts'

/** Fetches a repository and tells at once who is to look again: those that read what changed there. */
export async function lookAtRepository(
  url: string,
  world: World,
  sources: ConfigSources,
  services: LoopServices,
  tell: (keys: Iterable<string>) => void,
): Promise<void> {
  const { repositories } = services
  await repositories.refresh(url)
  const repository = await repositories.open(url)
  // Sources say themselves that their repository is away, and that it is back.
  const away = !repository || repositories.failure(url) !== undefined
  const configs = sources.configs.filter(config => config.repository === url && (away || sources.failing(config.name)))
  tell(configs.map(({ name }) => `source/${name}`))
  if (!repository) return
  const { readers, heads } = world
  const revisions = readers.revisionsOf(url)
  for (const revision of revisions) {
    const after = await repository.resolve(revision)
    const before = heads.commit(url, revision)
    const missed = after !== undefined && heads.wasMissed(url, revision)
    if (before === after && !missed) continue
    const comparable = before !== undefined && after !== undefined && !missed
    const changes = comparable ? await changesBetween(repository, before, after, services) : undefined
    // In one go with the telling: whoever asks from here on sees the new commit, everyone else is told.
    heads.move(url, revision, after)
    tell(changes ? readers.affected(url, revision, changes) : readers.all(url, revision))
    if (changes) tell(waitingForSignature(readers.all(url, revision), world))
  }
  heads.retain(url, revisions)
}

/** Undefined when it cannot be found out, say because the older commit was rewritten and is gone. */
async function changesBetween(
  repository: GitRepository,
  before: ObjectId,
  after: ObjectId,
  { log }: LoopServices,
): Promise<readonly ChangedPath[] | undefined> {
  try {
    const [left, right] = await Promise.all([repository.readCommit(before), repository.readCommit(after)])
    return await changedPaths(repository, left.tree, right.tree)
  } catch (error) {
    log.warn('commits could not be compared; everything that reads them is looked at', { before, after, error })
    return undefined
  }
}

export interface SourceReading {
  readonly read: SourceFiles
  /** Why its repository could not be fetched, when the last good mirror was read. */
  readonly away?: { readonly code: string; readonly message: string; readonly since: EpochMs }
}

/** Reads the files of a config source as of the commit that everyone sees; `away`: why it could not be fetched. */
export async function readSource(
  config: ConfigSource,
  world: World,
  sources: ConfigSources,
  { repositories }: LoopServices,
): Promise<SourceReading> {
  const { repository: url, revision, path } = config
  let repository = await repositories.open(url)
  if (!repository) {
    await repositories.refresh(url)
    repository = await repositories.open(url)
  }
  const commit = await world.heads.of(url, revision, repository)
  const failure = repositories.failure(url)
  if (!repository) {
    const code = failure?.code ?? 'REPOSITORY_UNREACHABLE'
    return { read: { kind: 'failed', code, message: failure?.message ?? 'it has not been fetched yet' } }
  }
  const away = failure && { away: failure }
  if (commit === undefined) {
    const message = `${url} has no revision "${revision}"`
    return { read: { kind: 'failed', code: 'REVISION_MISSING', message }, ...away }
  }
  return { read: await repositories.readConfig(repository, commit, path, sources.narrower(config)), ...away }
}
