import { canonicalJson, sha256 } from '@flotilla/core/json/canonical-json'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Declared, Trust } from '@flotilla/core/model/fleet'
import { type FleetKind, listOf, member, textOf } from './kinds/kind.ts'
import { prefixedName } from './name-prefix.ts'
import type { Path } from './problem.ts'
import type { Declaration, ReadDocument } from './read-file.ts'
import { trustProblems } from './trust.ts'

export interface SourceSettings {
  /** Name of the config source; empty offline. */
  readonly source: string
  readonly trust: Trust
  /** Put before the names of Applications and ApplicationSets. */
  readonly namePrefix?: string
}

/** A document with the settings of its source applied: what it declares there, or why it may not. */
export interface SourceDocument {
  readonly read: ReadDocument
  readonly declared?: Declared<unknown>
  readonly broken: boolean
  readonly diagnostics: readonly Diagnostic[]
}

const PREFIXED: ReadonlySet<FleetKind> = new Set(['Application', 'ApplicationSet'])

export function declare(read: ReadDocument, settings: SourceSettings): SourceDocument {
  const { declares } = read
  if (declares === undefined) return { read, broken: read.broken, diagnostics: read.diagnostics }
  const beyond = trustProblems(settings.trust, declares.kind, declares.spec as Json)
  return {
    read,
    declared: declaredOf(read, declares, settings),
    broken: read.broken || beyond.length > 0,
    diagnostics: [...read.diagnostics, ...beyond.map(problem => declares.diagnosticOf(problem))],
  }
}

function declaredOf(read: ReadDocument, declares: Declaration, settings: SourceSettings): Declared<unknown> {
  const name = PREFIXED.has(declares.kind) ? prefixedName(settings.namePrefix, declares.name) : declares.name
  const document = name === declares.name ? declares.document : renamed(declares.document, name)
  const metadata = member(document, 'metadata')
  const namespace = textOf(metadata['namespace'])
  return {
    group: declares.group,
    apiVersion: declares.apiVersion,
    kind: declares.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: member(metadata, 'labels') as { readonly [key: string]: string },
    annotations: member(metadata, 'annotations') as { readonly [key: string]: string },
    finalizers: listOf(metadata['finalizers']) as readonly string[],
    spec: declares.spec,
    document,
    source: settings.source,
    trust: settings.trust,
    index: read.index,
    contentDigest: sha256(canonicalJson(document)),
    position: read.position,
    positionOf: path => declares.positionOf(path),
    placeWithin: (path, within) => {
      const { file, line, column } = placeWithin(declares, path, within)
      return { file, line, column }
    },
  }
}

/** A place in a text that a document holds: positions of YAML nodes end where the text begins. */
export function placeWithin(
  { diagnosticOf }: Pick<Declaration, 'diagnosticOf'>,
  path: Path,
  within: { readonly line: number; readonly column: number },
): Diagnostic {
  return diagnosticOf({ code: 'POLICY_ROW_INVALID', severity: 'error', path, within, message: '' })
}

function renamed(document: JsonObject, name: string): JsonObject {
  return { ...document, metadata: { ...member(document, 'metadata'), name } }
}
