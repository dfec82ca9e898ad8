import { compileGlob, type Glob, GlobSyntaxError } from '@flotilla/core/glob/glob'
import type { ApplicationSource } from '@flotilla/core/model/application'
import type { RenderProblem } from '@flotilla/core/ports/renderer'

/** A source of plain manifests, its options read. */
export interface DirectorySource {
  readonly path: string
  readonly recurse: boolean
  /** Without it the tool is detected from the files, as Argo CD does. */
  readonly explicit: boolean
  readonly include?: PathGlob
  readonly exclude?: PathGlob
}

/** Covers the whole path relative to the source's folder; `*` crosses slashes, as in Argo CD. */
export interface PathGlob {
  readonly pattern: string
  readonly matches: Glob
}

export type ReadSource =
  | { readonly kind: 'directory'; readonly source: DirectorySource }
  | { readonly kind: 'failed'; readonly problems: readonly RenderProblem[] }

const OTHER_TOOLS = ['helm', 'kustomize', 'plugin'] as const
const DIRECTORY_FIELDS = new Set(['recurse', 'include', 'exclude', 'jsonnet', 'disableExtensionFilter'])

/** Which of an Application's sources plain directories can serve; the others are named, never rendered to nothing. */
export function readDirectorySource(source: ApplicationSource): ReadSource {
  const problems: RenderProblem[] = []
  const unsupported = (message: string, hint?: string) => {
    problems.push({ code: 'UNSUPPORTED_SOURCE', message, ...(hint === undefined ? {} : { hint }) })
  }
  if (source.chart !== undefined) unsupported(`Helm charts (chart "${source.chart}") are not rendered yet`)
  for (const tool of OTHER_TOOLS) {
    if (source[tool] !== undefined) unsupported(`sources with "${tool}" are not rendered yet`)
  }
  if (source.ref !== undefined) unsupported('sources that only give a name to files ("ref") are not read yet')
  const directory = source.directory ?? {}
  if (directory.jsonnet !== undefined && Object.keys(directory.jsonnet).length > 0) {
    unsupported('Jsonnet ("directory.jsonnet") is not rendered yet')
  }
  const other = Object.keys(directory).filter(field => !DIRECTORY_FIELDS.has(field))
  for (const field of other) unsupported(`"directory.${field}" is not known here`)
  if ((directory as { disableExtensionFilter?: boolean }).disableExtensionFilter) {
    unsupported('"directory.disableExtensionFilter" is not built yet')
  }
  const include = compile('include', directory.include, problems)
  const exclude = compile('exclude', directory.exclude, problems)
  if (problems.length > 0) return { kind: 'failed', problems }
  return {
    kind: 'directory',
    source: {
      path: source.path ?? '',
      recurse: directory.recurse === true,
      explicit: Object.values(directory).some(value => value !== undefined),
      ...(include ? { include } : {}),
      ...(exclude ? { exclude } : {}),
    },
  }
}

function compile(
  field: 'include' | 'exclude',
  pattern: string | undefined,
  problems: RenderProblem[],
): PathGlob | undefined {
  if (pattern === undefined || pattern === '') return undefined
  try {
    return { pattern, matches: compileGlob(pattern, '') }
  } catch (error) {
    if (!(error instanceof GlobSyntaxError)) throw error
    problems.push({ code: 'RENDER_FAILED', message: `directory.${field}: ${error.message}` })
    return undefined
  }
}
