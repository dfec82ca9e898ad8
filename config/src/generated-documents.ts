import { canonicalJson } from '@flotilla/core/json/canonical-json'
import type { Json } from '@flotilla/core/json/json'
import type { Position } from '@flotilla/core/model/diagnostic'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { Provenance } from '@flotilla/core/model/provenance'
import { prettyYaml } from '@flotilla/core/yaml/print-yaml'
import type { GeneratedDocument } from '@flotilla/generators/generated-documents'
import { nameOf, textOf } from './kinds/kind.ts'
import { recognise } from './kinds/registry.ts'
import { kindRefusal } from './kinds/set-documents.ts'
import { identityKey } from './last-good.ts'
import type { ConfigFile } from './load.ts'
import { isBlocking, type Path } from './problem.ts'
import { judge } from './read-file.ts'
import { trustProblems } from './trust.ts'

/** One set may make so many documents. */
export const MAX_GENERATED = 10_000

/** What is wrong with a document that a set made, placed where its template stands. */
export interface GeneratedMistake {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly position: Position
  readonly provenance: Provenance
}

export interface GeneratedReading {
  /** The documents as a config source of their own; none while there is any mistake: half a policy is a hole. */
  readonly files: readonly ConfigFile[]
  /** The same as they were made, equal ones once. */
  readonly documents: readonly GeneratedDocument[]
  readonly mistakes: readonly GeneratedMistake[]
}

/**
 * The name of the config source that a set's documents are. No Kubernetes name has a colon, so that no configured
 * source can mean the same.
 */
export function generatedSourceName({ source, name }: Pick<Declared<unknown>, 'source' | 'name'>): string {
  return `${GENERATED_PREFIX}${source}:${name}`
}

export const GENERATED_PREFIX = 'set:'

/**
 * Reads the documents that a set made, as if each stood in a file: the checks of its kind, and the trust of the set's
 * source. Equal documents of several parameter sets are one; two of one name that differ are a mistake.
 */
export function readGenerated(
  set: Declared<ApplicationSetSpec>,
  documents: readonly GeneratedDocument[],
): GeneratedReading {
  const files = new Map<
    string,
    { readonly text: string; readonly file: ConfigFile; readonly made: GeneratedDocument }
  >()
  const mistakes: GeneratedMistake[] = []
  if (documents.length > MAX_GENERATED) {
    const message = `ApplicationSet ${set.name} makes ${documents.length} documents; a set may make ${MAX_GENERATED}`
    const position = set.positionOf(['spec', 'documents'])
    return {
      files: [],
      documents: [],
      mistakes: [{ code: 'TOO_MANY_APPLICATIONS', message, position, provenance: documents[0]!.provenance }],
    }
  }
  for (const generated of documents) {
    const { document } = generated
    const own = mistakesIn(set, generated)
    mistakes.push(...own)
    if (own.length > 0) continue
    const key = identityKey(textOf(document['kind']) ?? '', nameOf(document))
    const text = canonicalJson(document)
    const before = files.get(key)
    if (before === undefined) {
      const path = `${generatedSourceName(set)}/${key}.yaml`
      files.set(key, { text, made: generated, file: { path, text: prettyYaml(document) } })
    } else if (before.text !== text) mistakes.push(conflict(set, generated, key, before.made.provenance))
  }
  const sound = mistakes.length > 0 ? [] : [...files.values()]
  return { files: sound.map(({ file }) => file), documents: sound.map(({ made }) => made), mistakes }
}

function mistakesIn(set: Declared<ApplicationSetSpec>, generated: GeneratedDocument): readonly GeneratedMistake[] {
  const { document, index, provenance } = generated
  const place = (path: Path): Position => set.positionOf(['spec', 'documents', index, ...path])
  const refusal = kindRefusal(document)
  if (refusal !== undefined) {
    const { path, code, message, hint } = refusal
    return [{ code, message, ...(hint === undefined ? {} : { hint }), position: place(path), provenance }]
  }
  const recognition = recognise(document)
  if (recognition.kind === 'none') return []
  const { reader } = recognition
  const { problems, reading } = judge(reader, document)
  return [...problems, ...trustProblems(set.trust, reader.kind, reading.spec as Json)]
    .filter(isBlocking)
    .map(({ code, message, hint, path }) => ({
      code,
      message: `${reader.writtenKind} "${reading.name}": ${message}`,
      ...(hint === undefined ? {} : { hint }),
      position: place(path),
      provenance,
    }))
}

function conflict(
  set: Declared<ApplicationSetSpec>,
  { index, provenance }: GeneratedDocument,
  key: string,
  first: Provenance,
): GeneratedMistake {
  const at = ({ generator, element }: Provenance): string => `generator ${generator} element ${element}`
  return {
    code: 'GENERATED_DOCUMENT_CONFLICT',
    message: `${key.replace('/', ' "')}" is made twice, and differs: by ${at(first)} and by ${at(provenance)}`,
    hint: 'put what differs into the name, or leave it out',
    position: set.positionOf(['spec', 'documents', index, 'metadata', 'name']),
    provenance,
  }
}
