import { canonicalJson } from '@flotilla/core/json/canonical-json'
import { isJsonObject, type Json, type JsonObject } from '@flotilla/core/json/json'
import type { ApiGroup } from '@flotilla/core/model/application'
import type { Diagnostic, Position } from '@flotilla/core/model/diagnostic'
import { parseYamlDocuments, type YamlDocument, type YamlPart } from '@flotilla/core/yaml/parse-yaml'
import type { FleetKind, KindReader } from './kinds/kind.ts'
import { listItems, recognise } from './kinds/registry.ts'
import { diagnosticOf, isBlocking, type Path, type Problem } from './problem.ts'
import { checkDocument, dropNulls } from './schema/check-document.ts'
import { isKubernetesName } from './schema/shapes.ts'

/** A gate, or a restriction that is not enforced yet, with its place. */
export interface PlacedGate {
  readonly what: string
  /** The Project that it restricts; absent when it may concern everything that its source may declare for. */
  readonly project?: string
  readonly position: Position
}

/** One document of a file, judged by itself: nothing here depends on the config source that it belongs to. */
export interface ReadDocument {
  readonly file: string
  readonly index: number
  readonly text: string
  readonly startLine: number
  readonly position: Position
  /** What it declares, as far as that can be told; absent for what declares nothing. */
  readonly declares?: Declaration
  /** True when an error makes it unusable. */
  readonly broken: boolean
  /** The text could not be read at all, so what it declares is unknown. */
  readonly unreadable: boolean
  /** An unreadable text that looks as if it holds a Project, an AccessPolicy or a Team. */
  readonly maybePolicy: boolean
  readonly diagnostics: readonly Diagnostic[]
  readonly gates: readonly PlacedGate[]
}

export interface Declaration {
  readonly kind: FleetKind
  readonly name: string
  readonly group: ApiGroup
  readonly apiVersion: string
  readonly document: JsonObject
  readonly spec: unknown
  positionOf(path: Path): Position
  diagnosticOf(problem: Problem): Diagnostic
}

/** What says nothing of rights, and is not a gate either, cannot weaken the rules by being unreadable. */
const POLICY_TEXT = /^[\s-]*["']?(?:kind["']?\s*:\s*["']?(?:AppProject|Project|AccessPolicy|Team)\b|.*argocd-rbac-cm)/m
const GATE_TEXT = /["']?kind["']?\s*:\s*["']?(SyncWindow|FreezePeriod)\b/

/** Reads one file: every document in it, with all its mistakes. */
export function readFile(
  path: string,
  text: string,
  part?: { readonly startLine: number; readonly index: number },
): readonly ReadDocument[] {
  const { documents, broken, diagnostics } = parseYamlDocuments(text, {
    file: path,
    startLine: part?.startLine,
    startIndex: part?.index,
  })
  if (documents.length === 0 && broken.length === 0) {
    if (diagnostics.length === 0) return []
    return [unreadable(path, { index: 0, startLine: 1, text }, diagnostics)]
  }
  const found = documents.flatMap(document => readDocument(path, document, []))
  for (const one of broken) {
    if (one.readable === undefined) found.push(unreadable(path, one, one.diagnostics))
    else found.push(...readDocument(path, one.readable, one.diagnostics))
  }
  return found.sort((a, b) => a.index - b.index)
}

/** Why a file's text could not be had. */
export interface UnreadableFile {
  readonly code: 'FILE_UNREADABLE' | 'FILE_TOO_LARGE'
  readonly message: string
  readonly hint?: string
}

/** Stands in for a file without text. Nobody knows whether it holds a Project, so it is taken to. */
export function unreadableFile(path: string, why: UnreadableFile): ReadDocument {
  const diagnostic: Diagnostic = { severity: 'error', file: path, line: 1, column: 1, ...why }
  return { ...unreadable(path, { index: 0, startLine: 1, text: '' }, [diagnostic]), maybePolicy: true }
}

function unreadable(file: string, part: YamlPart, diagnostics: readonly Diagnostic[]): ReadDocument {
  const position: Position = { file, line: part.startLine, column: 1 }
  const gate = GATE_TEXT.exec(part.text)?.[1]
  return {
    file,
    index: part.index,
    text: part.text,
    startLine: part.startLine,
    position,
    broken: true,
    unreadable: true,
    maybePolicy: POLICY_TEXT.test(part.text),
    diagnostics,
    gates: gate === undefined ? [] : [{ what: `an unreadable ${gate}`, position }],
  }
}

/** @param yamlMistakes What the reader found before; such a document is looked at for more, and is broken already. */
function readDocument(file: string, yaml: YamlDocument, yamlMistakes: readonly Diagnostic[]): ReadDocument[] {
  const whole = isJsonObject(yaml.value) ? yaml.value : undefined
  const items = whole && listItems(whole)
  if (items === undefined) return [readObject(file, yaml, yaml.value, [], yamlMistakes)]
  return items.map((item, index) => ({
    ...readObject(file, yaml, item as Json, ['items', index], index === 0 ? yamlMistakes : []),
    // An item is kept by itself: its neighbours may be broken while it is not, and the other way round.
    text: canonicalJson(item as Json),
    startLine: yaml.positionOf(['items', index]).line,
    ...(yamlMistakes.length > 0 ? { broken: true } : {}),
  }))
}

function readObject(
  file: string,
  yaml: YamlDocument,
  value: Json,
  base: Path,
  yamlMistakes: readonly Diagnostic[],
): ReadDocument {
  const common = {
    file,
    index: yaml.index,
    text: yaml.text,
    startLine: yaml.startLine,
    unreadable: false,
    maybePolicy: false,
  }
  const position = yaml.positionOf(base)
  const place = (problem: Problem): Diagnostic => diagnosticOf(problem, yaml, base)
  if (!isJsonObject(value)) {
    const problem: Problem = {
      code: 'NOT_A_DOCUMENT',
      severity: 'error',
      path: [],
      message: 'the document is not a mapping',
    }
    return { ...common, position, broken: true, diagnostics: [...yamlMistakes, place(problem)], gates: [] }
  }
  const recognition = recognise(value)
  if (recognition.kind === 'none') {
    const { problems } = recognition
    return {
      ...common,
      position,
      broken: yamlMistakes.length > 0 || problems.some(isBlocking),
      diagnostics: [...yamlMistakes, ...problems.map(place)],
      gates: [],
    }
  }
  const { reader } = recognition
  const document = dropNulls(value)
  const reading = reader.read(document)
  const problems = distinct([
    ...checkDocument(reader.schema, document, {
      additions: reader.additions,
      mayBeExpression: reader.mayBeExpression,
    }),
    ...nameProblems(reader, reading.name),
    ...reading.problems,
  ])
  return {
    ...common,
    ...(reading.document === undefined ? {} : { text: canonicalJson(reading.document) }),
    position,
    declares: {
      kind: reader.kind,
      name: reading.name,
      group: reader.group,
      apiVersion: reader.apiVersion,
      document: reading.document ?? document,
      spec: reading.spec,
      positionOf: path => yaml.positionOf([...base, ...path]),
      diagnosticOf: place,
    },
    broken: yamlMistakes.length > 0 || problems.some(isBlocking),
    diagnostics: [...yamlMistakes, ...problems.map(place)],
    gates: (reading.gates ?? []).map(({ what, path, everywhere }) =>
      everywhere
        ? { what, position: yaml.positionOf([...base, ...path]) }
        : { what, project: reading.name, position: yaml.keyPositionOf([...base, ...path]) },
    ),
  }
}

/** Reads a document as its kind asks for, with everything that is wrong with it. */
export function judge(reader: KindReader, value: JsonObject) {
  const document = dropNulls(value)
  const reading = reader.read(document)
  const problems = distinct([
    ...checkDocument(reader.schema, document, { additions: reader.additions }),
    ...nameProblems(reader, reading.name),
    ...reading.problems,
  ])
  return { document, reading, problems }
}

function nameProblems(reader: KindReader, name: string): Problem[] {
  // A cluster Secret's name is Argo CD's display name, which may be any text.
  if (reader.writtenKind === 'Secret' && reader.kind === 'Cluster') return []
  if (isKubernetesName(name)) return []
  const message = name === '' ? 'metadata.name is empty' : `"${name}" is not a Kubernetes name`
  const hint = 'lower-case letters, digits, "-" and ".", at most 253 characters'
  return [{ code: 'INVALID_NAME', severity: 'error', path: ['metadata', 'name'], message, hint }]
}

/** A schema and a rule may both see that something is missing: the schema's word counts. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems.filter(problem => {
    const place = JSON.stringify([problem.path, problem.within])
    if (problem.severity === 'error' && seen.has(place)) return false
    if (problem.severity === 'error') seen.add(place)
    return true
  })
}
