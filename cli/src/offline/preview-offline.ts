import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Clock } from '@flotilla/core/ports/clock'
import { MemoryBundles } from '@flotilla/hub/bundle/memory-bundles'
import { createExpandInWorker } from '@flotilla/hub/expand/expand-in-worker'
import type { ConfigSource } from '@flotilla/hub/loop/config-sources'
import { type Preview, PreviewError } from '@flotilla/hub/preview/preview'
import { runPreview } from '@flotilla/hub/preview/run-preview'
import { SidedRepositories } from '@flotilla/hub/preview/sided-repositories'
import { directoryRenderer } from '@flotilla/hub/render/directory-renderer'
import { MemoryStore } from '@flotilla/hub/store/memory-store'
import { failure, usageError } from '../errors.ts'
import { findOwnRepository } from './own-repository.ts'
import { readSources } from './read-sources.ts'
import { readRecordedInputs } from './recorded-inputs.ts'
import { SidedFolders } from './sided-folders.ts'
import { parseSidedRepos } from './sided-repo.ts'

export interface OfflinePreviewInput {
  readonly cwd: string
  /** A folder of a Git repository. */
  readonly path: string
  readonly base: string
  /** Undefined: the files as they are. */
  readonly head?: string
  readonly repo?: readonly string[]
  /** Files of recorded inputs. */
  readonly inputs?: readonly string[]
  /** A hub.yaml: the config sources of its list that lie in this repository, instead of one that may declare all. */
  readonly sources?: string
  readonly clock: Clock
}

/**
 * What a change of the config would do, by the files of this machine alone: every declared Cluster is presumed to have
 * an agent that holds what the base declares.
 *
 * @throws CliError
 */
export async function previewOffline(input: OfflinePreviewInput): Promise<Preview> {
  const { cwd, path, base, head, clock } = input
  const sets = createExpandInWorker({ clock })
  const full = resolve(cwd, path)
  if (path === '') throw usageError('the path is empty')
  const there = statSync(full, { throwIfNoEntry: false })
  if (there && !there.isDirectory()) throw usageError(`${path} is a file; a preview takes the folder that a hub reads`)
  if (!there && head === undefined) throw usageError(`there is no ${path}`)
  const own = findOwnRepository(full)
  if (own === undefined) {
    throw usageError(`${path} lies in no Git repository, so nothing can be compared`, 'git init, and commit a base')
  }
  const ownUrl = own.origin ?? `file://${own.top}`
  const folders = new SidedFolders({ own, ownUrl, base, head, repos: parseSidedRepos(input.repo ?? [], cwd) })
  const recorded = readRecordedInputs(input.inputs ?? [], cwd)
  const configSources: readonly ConfigSource[] =
    input.sources === undefined
      ? [{ name: '', repository: ownUrl, revision: 'HEAD', path: own.prefix, trust: { kind: 'all' } }]
      : readSources(input.sources, cwd, url => folders.has(url))
  try {
    await folders.requireSides(ownUrl)
    return await runPreview({
      configSources,
      repositories: new SidedRepositories({
        open: url => folders.open(url),
        failure: url => folders.failure(url),
        // What is not there yet declares nothing.
        amend: (_path, files, side) =>
          side === 'base' && files.kind === 'failed' && files.code === 'PATH_MISSING'
            ? { kind: 'read', commit: base, files: [] }
            : files,
      }),
      hosted: { answer: async request => recorded.answer(request) },
      expand: sets.expand,
      renderer: directoryRenderer(),
      store: new MemoryStore(),
      bundles: new MemoryBundles(() => clock.now()),
      clock,
      presumeApplied: true,
    })
  } catch (error) {
    if (error instanceof PreviewError) throw failure(error.message, undefined, error)
    throw error
  } finally {
    await sets.close()
    await folders.close()
  }
}
