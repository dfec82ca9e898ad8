import { DEFAULT_BUNDLE_LIMITS } from '@flotilla/core/bundle/decode-bundle'
import { encodeBundle } from '@flotilla/core/bundle/encode-bundle'
import { CANONICAL_FORMAT } from '@flotilla/core/json/canonical-json'
import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import type { Renderer, RenderInput, RenderProblem, RenderResult } from '@flotilla/core/ports/renderer'
import { findPath } from '../source/repository-path.ts'
import { type DirectoryLimits, findOtherTools, readDirectoryFiles } from './directory-files.ts'
import { type DirectorySource, readDirectorySource } from './directory-source.ts'
import { LinkMemo } from './link-memo.ts'
import { readManifests } from './read-manifests.ts'

type Failed = Extract<RenderResult, { kind: 'failed' }>

interface Located {
  readonly kind: 'located'
  readonly source: DirectorySource
  /** Tree of the whole commit. */
  readonly root: ObjectId
  /** Tree of the source's folder. */
  readonly tree: ObjectId
}

/** Rises when the same files come to mean other objects: every remembered result is then rendered again. */
const VERSION = 1

export const DEFAULT_DIRECTORY_LIMITS: DirectoryLimits = {
  maxFileBytes: 1024 * 1024,
  maxFiles: 5000,
  maxTotalBytes: 32 * 1024 * 1024,
}

/** Renders folders of plain YAML and JSON: the objects are those of the files, in canonical order, unaltered. */
export function directoryRenderer(options: Partial<DirectoryLimits> = {}): Renderer {
  const limits = { ...DEFAULT_DIRECTORY_LIMITS, ...options }
  const links = new LinkMemo()
  return {
    async inputKey(input) {
      const located = await locate(input)
      if (located.kind === 'failed') return located
      const { source, root, tree } = located
      // A link may lead to any file of the repository: then any commit may change what it means.
      const elsewhere = (await links.holdsLinks(input.repository, tree, source.recurse)) ? [root, source.path] : []
      const patterns = [source.include?.pattern ?? '', source.exclude?.pattern ?? '']
      const key = [tree, source.recurse, source.explicit, ...patterns, limits, ...elsewhere]
      return { kind: 'key', key: `directory/${VERSION}.${CANONICAL_FORMAT} ${JSON.stringify(key)}` }
    },
    async render(input) {
      const located = await locate(input)
      return located.kind === 'failed' ? located : render(input.repository, located, limits)
    },
  }
}

async function locate({ source, repository, commit }: RenderInput): Promise<Located | Failed> {
  const read = readDirectorySource(source)
  if (read.kind === 'failed') return read
  const { tree: root } = await repository.readCommit(commit)
  const target = await findPath(repository, root, read.source.path)
  switch (target.kind) {
    case 'directory':
      return { kind: 'located', source: { ...read.source, path: target.path }, root, tree: target.id }
    case 'file':
      return failed({
        code: 'PATH_MISSING',
        message: `"${target.path}" is a file; a source is a folder`,
        hint: 'name the folder, and the file with directory.include',
      })
    case 'missing':
    case 'refused':
      return failed({ code: 'PATH_MISSING', message: target.message, hint: 'correct spec.source.path' })
  }
}

async function render(
  repository: GitRepository,
  { source, root, tree }: Located,
  limits: DirectoryLimits,
): Promise<RenderResult> {
  const otherTools = await findOtherTools(repository, tree, source)
  if (otherTools.length > 0) return { kind: 'failed', problems: otherTools }
  const { files, problems: fileProblems, warnings } = await readDirectoryFiles(repository, root, tree, source, limits)
  const { objects, problems: manifestProblems } = readManifests(files, limits.maxFileBytes)
  const problems = [...fileProblems, ...manifestProblems]
  if (problems.length > 0) return { kind: 'failed', problems }
  const { maxObjects, maxBytes } = DEFAULT_BUNDLE_LIMITS
  if (objects.length > maxObjects) {
    return failed({
      code: 'RENDER_FAILED',
      message: `${objects.length} objects are more than the ${maxObjects} of one Bundle`,
    })
  }
  const bundle = encodeBundle(objects)
  if (bundle.bytes.byteLength > maxBytes) {
    const message = `the objects have ${bundle.bytes.byteLength} bytes, more than the ${maxBytes} of one Bundle`
    return failed({ code: 'RENDER_FAILED', message, hint: 'YAML aliases multiply; split the Application' })
  }
  if (objects.length > 0) return { kind: 'rendered', bundle, warnings }
  const empty: RenderProblem = {
    code: 'EMPTY_BUNDLE',
    message: `no manifest in "${source.path || '.'}"`,
    ...(source.recurse ? {} : { hint: 'folders below are read only with directory.recurse' }),
  }
  return { kind: 'rendered', bundle, warnings: [...warnings, empty] }
}

function failed(...problems: RenderProblem[]): Failed {
  return { kind: 'failed', problems }
}
