import { isJsonObject, type Json } from '@flotilla/core/json/json'
import { checkManifest } from '@flotilla/core/manifest/check-manifest'
import { type KubernetesObject, keyOf, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { readHook } from '@flotilla/core/plan/read-hook'
import type { RenderProblem } from '@flotilla/core/ports/renderer'
import { parseYamlDocuments, type YamlDocument } from '@flotilla/core/yaml/parse-yaml'
import type { ManifestFile } from './directory-files.ts'

export interface Manifests {
  readonly objects: readonly KubernetesObject[]
  readonly problems: readonly RenderProblem[]
}

type Path = readonly (string | number)[]

interface Seen {
  readonly file: string
  readonly line: number
}

/** Argo CD's mark for a file that is no manifest although it is called like one. */
const SKIP_MARK = '+argocd:skip-file-rendering'
const MAX_LIST_DEPTH = 4

/**
 * Reads files of manifests into objects. Every document must be a Kubernetes object or a list of them, no two may be
 * the same object; all mistakes are returned together, each with file, line and column.
 */
export function readManifests(files: readonly ManifestFile[], maxFileBytes: number): Manifests {
  const objects: KubernetesObject[] = []
  const problems: RenderProblem[] = []
  const seen = new Map<string, Seen>()
  for (const file of files) {
    const text = decode(file, problems)
    if (text === undefined || text.includes(SKIP_MARK)) continue
    const { documents, diagnostics } = parseYamlDocuments(text, { file: file.path, maxBytes: maxFileBytes })
    for (const { code, message, line, column, hint } of diagnostics) {
      const problem = {
        code: 'MANIFEST_INVALID',
        message: `${code}: ${message}`,
        file: file.path,
        line,
        column,
      } as const
      problems.push(hint === undefined ? problem : { ...problem, hint })
    }
    for (const document of documents) {
      collect(document, document.value, [], 0, found => {
        const problem =
          found.kind === 'problem'
            ? problemAt(document, found.path, found.message, found.hint)
            : (hookProblem(found.object, document, found.path) ?? noteKey(found.object, document, found.path, seen))
        if (problem) problems.push(problem)
        else if (found.kind === 'object') objects.push(found.object)
      })
    }
  }
  return { objects, problems }
}

type Found =
  | { readonly kind: 'object'; readonly object: KubernetesObject; readonly path: Path }
  | { readonly kind: 'problem'; readonly path: Path; readonly message: string; readonly hint?: string }

/** Lists stand for their items, and may hold lists. */
function collect(document: YamlDocument, value: Json, path: Path, depth: number, take: (found: Found) => void): void {
  const check = checkManifest(value)
  if (check.kind === 'object') {
    take({ kind: 'object', object: check.object, path })
  } else if (check.kind === 'invalid') {
    for (const problem of check.problems) take({ ...problem, kind: 'problem', path: [...path, ...problem.path] })
  } else if (depth === MAX_LIST_DEPTH) {
    take({ kind: 'problem', path, message: `lists nest deeper than ${MAX_LIST_DEPTH} levels` })
  } else {
    for (const [index, item] of check.items.entries()) {
      collect(document, withListKind(value, item), [...path, 'items', index], depth + 1, take)
    }
  }
}

/** Items of a typed list (`ConfigMapList`) may leave out what the list's own kind says. */
function withListKind(list: Json, item: Json): Json {
  if (!isJsonObject(list) || !isJsonObject(item)) return item
  const kind = String(list['kind'])
  if (kind === 'List' || (item['kind'] !== undefined && item['apiVersion'] !== undefined)) return item
  return { apiVersion: list['apiVersion'], kind: kind.slice(0, -'List'.length), ...item }
}

/** A hook with a word that nobody knows would silently never run. */
function hookProblem(object: KubernetesObject, document: YamlDocument, path: Path): RenderProblem | undefined {
  const [mistake] = readHook(object).problems
  if (mistake === undefined) return undefined
  const name = objectKeyText(keyOf(object))
  return problemAt(document, [...path, 'metadata', 'annotations'], `${name}: ${mistake}`, 'see sync-engine.md 7')
}

function noteKey(
  object: KubernetesObject,
  document: YamlDocument,
  path: Path,
  seen: Map<string, Seen>,
): RenderProblem | undefined {
  // A generated name is a new object every time.
  if (!object.metadata.name) return undefined
  const key = objectKeyText(keyOf(object))
  const { file, line } = document.positionOf(path)
  const first = seen.get(key)
  if (!first) {
    seen.set(key, { file, line })
    return undefined
  }
  const message = `${key} is declared twice; the other is at ${first.file}:${first.line}`
  return problemAt(document, path, message, 'keep one of them')
}

function problemAt(document: YamlDocument, path: Path, message: string, hint?: string): RenderProblem {
  const { file, line, column } = document.positionOf(path)
  return { code: 'MANIFEST_INVALID', message, file, line, column, ...(hint === undefined ? {} : { hint }) }
}

function decode(file: ManifestFile, problems: RenderProblem[]): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file.bytes)
  } catch {
    problems.push({
      code: 'MANIFEST_INVALID',
      message: 'the file is not UTF-8 text',
      file: file.path,
      line: 1,
      column: 1,
    })
    return undefined
  }
}
