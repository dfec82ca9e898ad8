import type { GitRepository, ObjectId } from '@flotilla/core/ports/git'
import type { RenderProblem } from '@flotilla/core/ports/renderer'
import { findPath } from '../source/repository-path.ts'
import { type PathMatcher, type WalkedEntry, WalkTooLarge, walkTree } from '../source/walk-tree.ts'
import type { DirectorySource } from './directory-source.ts'

export interface DirectoryLimits {
  readonly maxFileBytes: number
  readonly maxFiles: number
  readonly maxTotalBytes: number
}

/** A file of manifests: where it stands in the repository, and its text. */
export interface ManifestFile {
  readonly path: string
  readonly bytes: Uint8Array
}

export interface DirectoryFiles {
  readonly files: readonly ManifestFile[]
  readonly problems: readonly RenderProblem[]
  readonly warnings: readonly RenderProblem[]
}

const MANIFEST_NAME = /\.(ya?ml|json)$/
const JSONNET_NAME = /\.(jsonnet|libsonnet)$/
const TOOL_FILES: Readonly<Record<string, string>> = {
  'Chart.yaml': 'Helm',
  'kustomization.yaml': 'Kustomize',
  'kustomization.yml': 'Kustomize',
  Kustomization: 'Kustomize',
}
const OVERRIDE_NAME = /^\.argocd-source(-.*)?\.yaml$/

/**
 * Whether a file has a say in what a source renders to: one of its manifests, or one that says with what tool or how.
 *
 * @param below Its path below the source's folder.
 */
export function hasSayIn(source: DirectorySource, below: string): boolean {
  const nested = below.includes('/')
  if (!nested && (Object.hasOwn(TOOL_FILES, below) || OVERRIDE_NAME.test(below))) return true
  if (nested && !source.recurse) return false
  if (!MANIFEST_NAME.test(below) && !JSONNET_NAME.test(below)) return false
  if (source.include && !source.include.matches(below)) return false
  return !source.exclude?.matches(below)
}

/** What Argo CD would render with another tool, or with overrides: to be told, for plain files would mean otherwise. */
export async function findOtherTools(
  repository: GitRepository,
  tree: ObjectId,
  source: DirectorySource,
): Promise<readonly RenderProblem[]> {
  const problems: RenderProblem[] = []
  for (const { name } of await repository.readTree(tree)) {
    const file = join(source.path, name)
    const tool = TOOL_FILES[name]
    if (tool && !source.explicit) {
      const hint = 'to apply the files as they are, say so: directory: {recurse: false}'
      problems.push({ code: 'UNSUPPORTED_SOURCE', message: `${tool} is not rendered yet`, file, hint })
    }
    if (OVERRIDE_NAME.test(name)) {
      problems.push({ code: 'UNSUPPORTED_SOURCE', message: 'source overrides in files are not read yet', file })
    }
  }
  return problems
}

/** Lists and reads the manifests of a source. What would be left out for a reason of ours is a problem, not silence. */
export async function readDirectoryFiles(
  repository: GitRepository,
  root: ObjectId,
  tree: ObjectId,
  source: DirectorySource,
  limits: DirectoryLimits,
): Promise<DirectoryFiles> {
  const problems: RenderProblem[] = []
  const warnings: RenderProblem[] = []
  const files: ManifestFile[] = []
  let total = 0
  for (const walked of await walk(repository, tree, source, limits, problems)) {
    const file = join(source.path, walked.path)
    if (JSONNET_NAME.test(walked.path)) {
      problems.push({ code: 'UNSUPPORTED_SOURCE', message: 'Jsonnet is not rendered yet', file })
      continue
    }
    const id = await resolveEntry(repository, root, file, walked, problems, warnings)
    if (id === undefined) continue
    const bytes = await readFile(repository, id, file, limits, problems)
    if (bytes === undefined) continue
    total += bytes.byteLength
    if (total > limits.maxTotalBytes) {
      const message = `the manifests have more than ${limits.maxTotalBytes} bytes together`
      problems.push({ code: 'RENDER_FAILED', message, file, hint: 'split the Application' })
      break
    }
    files.push({ path: file, bytes })
  }
  return { files, problems, warnings }
}

async function walk(
  repository: GitRepository,
  tree: ObjectId,
  source: DirectorySource,
  limits: DirectoryLimits,
  problems: RenderProblem[],
): Promise<readonly WalkedEntry[]> {
  try {
    return await walkTree(repository, tree, matcherOf(source), { maxFiles: limits.maxFiles, maxDepth: 64 })
  } catch (error) {
    if (!(error instanceof WalkTooLarge)) throw error
    problems.push({ code: 'RENDER_FAILED', message: error.message, file: source.path || '.' })
    return []
  }
}

function matcherOf(source: DirectorySource): PathMatcher {
  return {
    mayContain: () => source.recurse,
    matches: (path, entry) => {
      // A link of any name may lead to a folder of manifests, which is then told.
      if (!isManifestName(path) && !(source.recurse && entry.type === 'symlink')) return false
      if (source.exclude?.matches(path)) return false
      return source.include === undefined || source.include.matches(path)
    },
  }
}

function isManifestName(path: string): boolean {
  return MANIFEST_NAME.test(path) || JSONNET_NAME.test(path)
}

async function resolveEntry(
  repository: GitRepository,
  root: ObjectId,
  file: string,
  { entry, path }: WalkedEntry,
  problems: RenderProblem[],
  warnings: RenderProblem[],
): Promise<ObjectId | undefined> {
  if (entry.type === 'file' || entry.type === 'executable') return entry.id
  if (entry.type !== 'symlink') {
    problems.push({ code: 'MANIFEST_INVALID', message: 'a submodule is not read', file })
    return undefined
  }
  const target = await findPath(repository, root, file)
  if (target.kind === 'file') return isManifestName(path) ? target.id : undefined
  if (target.kind === 'directory') {
    warnings.push({ code: 'MANIFEST_INVALID', message: 'a link to a folder is not followed', file })
    return undefined
  }
  if (!isManifestName(path)) return undefined
  problems.push({
    code: 'MANIFEST_INVALID',
    message: `the symbolic link leads nowhere: ${target.message}`,
    file,
    hint: 'put the file itself there, or exclude it with directory.exclude',
  })
  return undefined
}

async function readFile(
  repository: GitRepository,
  id: ObjectId,
  file: string,
  limits: DirectoryLimits,
  problems: RenderProblem[],
): Promise<Uint8Array | undefined> {
  try {
    return await repository.readBlob(id, limits.maxFileBytes)
  } catch (error) {
    if ((error as { code?: string }).code !== 'OBJECT_TOO_LARGE') throw error
    const message = `the file has more than ${limits.maxFileBytes} bytes`
    problems.push({ code: 'MANIFEST_INVALID', message, file, hint: 'exclude it with directory.exclude, or split it' })
    return undefined
  }
}

export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}
