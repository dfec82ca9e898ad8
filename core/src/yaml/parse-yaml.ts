import { type Event, parseEvents, YAMLException } from 'js-yaml'
import type { Json } from '../json/json.ts'
import type { Diagnostic, Position } from '../model/diagnostic.ts'
import { type ComposeLimits, composeDocument, type Located } from './compose.ts'
import { LineIndex } from './line-index.ts'
import { splitDocuments } from './split-documents.ts'
import { syntaxProblem } from './syntax-problem.ts'
import type { YamlProblem } from './yaml-codes.ts'

/** A file larger than this is refused unless the caller says otherwise: 1 MiB, in UTF-8 bytes. */
export const DEFAULT_MAX_FILE_BYTES = 1024 * 1024

/** What one document may ask of the reader; far beyond what people write, far below what hurts. */
export const YAML_LIMITS: ComposeLimits = { maxDepth: 100, maxAliases: 1000, maxAliasGrowth: 1024 * 1024 }

/** After this many mistakes in one file the rest is not listed. */
export const MAX_DIAGNOSTICS_PER_FILE = 100

export interface YamlOptions {
  /** Named in positions. */
  readonly file: string
  /** Default {@link DEFAULT_MAX_FILE_BYTES}. */
  readonly maxBytes?: number
  /** Number of the text's first line, for a part of a file; default 1. */
  readonly startLine?: number
  /** Index of the text's first document, for a part of a file; default 0. */
  readonly startIndex?: number
}

/** One `---` part of a file that has content. */
export interface YamlPart {
  /** Counts the file's documents that have content, from 0, broken ones included. */
  readonly index: number
  /** The line on which `text` begins. */
  readonly startLine: number
  /** The part as it stands in the file, its `---` included: parses alone, with `startLine`, to the same document. */
  readonly text: string
}

export interface YamlDocument extends YamlPart {
  readonly value: Json
  /** Where the node at `path` stands, or its nearest ancestor that exists. */
  positionOf(path: readonly (string | number)[]): Position
  /** Where the key of the mapping entry at `path` stands; for a list item and the root, the node itself. */
  keyPositionOf(path: readonly (string | number)[]): Position
}

/** A part with mistakes. */
export interface BrokenYamlDocument extends YamlPart {
  /** Its own; they are among the diagnostics of the whole too. */
  readonly diagnostics: readonly Diagnostic[]
  /** What could be read in spite of them, to look for more; absent when the syntax itself is broken. */
  readonly readable?: YamlDocument
}

export interface YamlDocuments {
  readonly documents: readonly YamlDocument[]
  readonly broken: readonly BrokenYamlDocument[]
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Reads YAML (and JSON) as Kubernetes' own tools do: YAML 1.1 booleans and octals, merges, dates as text, integers of
 * any size exact. Documents are read one by one: a broken one does not hide its neighbours or their mistakes. Empty
 * documents, comments alone and a bare `null` are left out.
 *
 * @throws Never: every mistake is a diagnostic with file, line and column.
 *
 * @example
 * parseYamlDocuments('a: on\n---\nb: 010\n', { file: 'f.yaml' }).documents.map(d => d.value)
 * // => [{ a: true }, { b: 8 }]
 */
export function parseYamlDocuments(text: string, options: YamlOptions): YamlDocuments {
  const startLine = options.startLine ?? 1
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_FILE_BYTES
  if (exceeds(text, maxBytes)) return tooLarge(options.file, startLine, maxBytes)

  const lines = new LineIndex(text, options.file, startLine)
  const documents: YamlDocument[] = []
  const broken: BrokenYamlDocument[] = []
  const diagnostics: Diagnostic[] = []
  let index = options.startIndex ?? 0
  for (const { start, end } of splitDocuments(text)) {
    const part: YamlPart = { index, startLine: lines.lineAt(start), text: text.slice(start, end) }
    const reading = readPart(part.text)
    const own: Diagnostic[] = []
    for (const problem of reading.problems) {
      const room = MAX_DIAGNOSTICS_PER_FILE - diagnostics.length - own.length
      if (room < 0) break
      own.push(diagnosticOf(room === 0 ? tooMany(problem) : problem, start, lines))
    }
    diagnostics.push(...own)
    if (reading.kind === 'read' && reading.value === null && reading.problems.length === 0) continue
    index++
    const document = reading.kind === 'read' ? documentOf(part, reading, start, lines) : undefined
    if (document !== undefined && reading.problems.length === 0) documents.push(document)
    else broken.push({ ...part, diagnostics: own, readable: document })
  }
  return { documents, broken, diagnostics }
}

type Reading =
  | { readonly kind: 'read'; readonly value: Json; readonly at: number; readonly problems: readonly YamlProblem[] }
  | { readonly kind: 'unreadable'; readonly problems: readonly YamlProblem[] }

function readPart(text: string): Reading {
  let events: Event[]
  try {
    events = parseEvents(text, { maxDepth: YAML_LIMITS.maxDepth })
  } catch (error) {
    return { kind: 'unreadable', problems: [problemOf(error, text)] }
  }
  const { value, problems, at } = composeDocument(text, events, YAML_LIMITS, { locate: false })
  return { kind: 'read', value, at, problems }
}

function problemOf(error: unknown, text: string): YamlProblem {
  if (!(error instanceof YAMLException)) {
    return { code: 'YAML_SYNTAX', offset: 0, message: error instanceof Error ? error.message : String(error) }
  }
  // What ends too early is found at the next document's marker: the end of this one's content is the place to look.
  return syntaxProblem(error.reason, text, Math.min(error.mark?.position ?? 0, text.trimEnd().length))
}

type Read = Extract<Reading, { kind: 'read' }>

function documentOf(part: YamlPart, { value, at }: Read, start: number, lines: LineIndex): YamlDocument {
  // Where nodes stand is found by reading the part a second time, when somebody asks: most documents have no mistakes.
  let root: Located | undefined
  const locate = (): Located => {
    if (root === undefined) {
      const events = parseEvents(part.text, { maxDepth: YAML_LIMITS.maxDepth })
      root = composeDocument(part.text, events, YAML_LIMITS, { locate: true }).located!
    }
    return root
  }
  return {
    ...part,
    value,
    positionOf: path => lines.positionAt(start + (path.length === 0 ? at : find(locate(), path).at)),
    keyPositionOf: path => {
      const found = find(locate(), path)
      return lines.positionAt(start + (found.keyAt ?? found.at))
    },
  }
}

function find(root: Located, path: readonly (string | number)[]): { readonly at: number; readonly keyAt?: number } {
  let node = root
  let keyAt: number | undefined
  for (const step of path) {
    const entry = node.entries?.get(String(step))
    const item = typeof step === 'number' ? node.items?.[step] : undefined
    const child = entry?.node ?? item
    if (child === undefined) break
    node = child
    keyAt = entry?.keyAt
  }
  return { at: node.at, keyAt }
}

function diagnosticOf(problem: YamlProblem, start: number, lines: LineIndex): Diagnostic {
  const { code, offset, message, hint } = problem
  return {
    severity: 'error',
    code,
    message,
    ...lines.positionAt(start + offset),
    ...(hint === undefined ? {} : { hint }),
  }
}

function tooMany(problem: YamlProblem): YamlProblem {
  return {
    code: 'TOO_MANY_MISTAKES',
    offset: problem.offset,
    message: `more than ${MAX_DIAGNOSTICS_PER_FILE} mistakes; the rest of this file is not listed`,
  }
}

function exceeds(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes)
}

function tooLarge(file: string, line: number, maxBytes: number): YamlDocuments {
  const diagnostic: Diagnostic = {
    severity: 'error',
    code: 'FILE_TOO_LARGE',
    file,
    line,
    column: 1,
    message: `the file has more than ${maxBytes} bytes`,
    hint: 'split the file, or keep generated data out of this folder',
  }
  return { documents: [], broken: [], diagnostics: [diagnostic] }
}
