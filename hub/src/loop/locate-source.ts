import type { ApplicationSource } from '@flotilla/core/model/application'
import type { Hold, HoldCode } from '@flotilla/core/model/hold'
import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import type { ApplicationRow } from '@flotilla/core/ports/store'
import type { LoopServices } from './services.ts'
import { applicationOf, type World } from './world.ts'

export interface LocatedSource {
  readonly kind: 'located'
  readonly repository: GitRepository
  readonly commit: ObjectId
}

/** The commit that a source stands at, or why there is none. @throws GitError */
export async function locateSource(
  row: ApplicationRow,
  source: ApplicationSource,
  world: World,
  { repositories }: Pick<LoopServices, 'repositories'>,
): Promise<LocatedSource | { readonly kind: 'hold'; readonly hold: Hold } | { readonly kind: 'keep' }> {
  const { repoURL } = source
  const revision = revisionOf(source)
  const repository = await repositories.open(repoURL)
  const commit = await world.heads.of(repoURL, revision, repository)
  const held = (code: HoldCode, reason: string) => {
    const { file, line, column } = applicationOf(row).provenance
    return { kind: 'hold', hold: { code, reason, at: { file, line, column } } } as const
  }
  if (!repository) {
    if (row.digest) return { kind: 'keep' }
    const failure = repositories.failure(repoURL)
    return held('REPOSITORY_UNAVAILABLE', failure?.message ?? `repository ${repoURL} has not been fetched yet`)
  }
  if (commit === undefined) return held('REVISION_MISSING', `${repoURL} has no revision "${revision}"`)
  return { kind: 'located', repository, commit }
}

export function revisionOf(source: ApplicationSource): string {
  return source.targetRevision || 'HEAD'
}
