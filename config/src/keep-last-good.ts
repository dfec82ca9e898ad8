import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { SourceDocument } from './declare.ts'
import type { FleetKind } from './kinds/kind.ts'
import { identityKey, type LastGood, type LastGoodDocument } from './last-good.ts'
import type { DocumentState } from './load.ts'
import type { PlacedGate } from './read-file.ts'

export interface KeepInput {
  readonly documents: readonly SourceDocument[]
  readonly lastGood: LastGood
  /** The source as a whole could not be read: all that it had stays. */
  readonly everything: boolean
  /** Reads a remembered text again, under today's rules and trust. */
  reread(one: LastGoodDocument): SourceDocument | undefined
}

export interface Kept {
  /** Sound documents, in force as written. */
  readonly current: readonly SourceDocument[]
  /** Earlier versions that stay in force, with the memory to carry on. */
  readonly kept: readonly { readonly document: SourceDocument; readonly memory: LastGoodDocument }[]
  readonly states: readonly DocumentState[]
  readonly gates: readonly PlacedGate[]
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * Decides what is in force of a source: every sound document, and for broken ones the last good version (decision 21).
 * Projects, AccessPolicies and Teams go together: when one of them is broken, all stay as they were.
 */
export function keepLastGood(input: KeepInput): Kept {
  const { documents, lastGood } = input
  const policy = policyMistake(documents, lastGood)
  const policyBroken = policy !== undefined || input.everything
  const isHeldBack = (document: SourceDocument): boolean => policyBroken && isPolicy(document.read.declares?.kind)
  const current = documents.filter(document => inForce(document) && !isHeldBack(document))
  const declared = new Set(current.map(keyOf))
  const wanted = wantedMemories(input, declared, policyBroken)

  const kept: { document: SourceDocument; memory: LastGoodDocument }[] = []
  const diagnostics: Diagnostic[] = []
  for (const memory of wanted) {
    const document = input.reread(memory)
    if (document !== undefined && inForce(document)) kept.push({ document, memory })
    else diagnostics.push(lostDiagnostic(memory, document))
  }
  if (policy !== undefined && documents.some(document => inForce(document) && isHeldBack(document))) {
    diagnostics.push(
      policyDiagnostic(
        policy,
        kept.some(({ memory }) => isPolicy(memory.kind)),
      ),
    )
  }
  const states = statesOf(documents, kept, isHeldBack, policy)
  const gates = [
    ...documents.filter(document => !isHeldBack(document)).flatMap(document => document.read.gates),
    ...kept.flatMap(({ document }) => document.read.gates),
  ]
  return { current, kept, states, gates: distinctGates(gates), diagnostics }
}

function inForce(document: SourceDocument): boolean {
  return document.declared !== undefined && !document.broken
}

function keyOf(document: SourceDocument): string {
  const { declares } = document.read
  return declares === undefined ? '' : identityKey(declares.kind, declares.name)
}

/** Who may use what, and who may do what: half of it would be a hole. */
const POLICY_KINDS: ReadonlySet<string | undefined> = new Set<FleetKind>(['Project', 'AccessPolicy', 'Team'])

function isPolicy(kind: FleetKind | undefined): boolean {
  return POLICY_KINDS.has(kind)
}

/** The first document that makes the source's policy incomplete, if there is one. */
function policyMistake(documents: readonly SourceDocument[], lastGood: LastGood): SourceDocument | undefined {
  const declared = new Set(documents.filter(inForce).map(keyOf))
  const missing = lastGood.documents.filter(one => isPolicy(one.kind) && !declared.has(identityKey(one.kind, one.name)))
  const files = new Set(missing.map(one => one.file))
  const places = new Set(missing.map(placeOf))
  // What a broken document is may be unknown (a misspelt kind, a broken text): what stood there before counts then.
  return documents.find(({ read, broken }) => {
    if (!broken) return false
    if (read.declares !== undefined) return isPolicy(read.declares.kind)
    return read.maybePolicy || places.has(placeOf(read)) || (read.unreadable && files.has(read.file))
  })
}

function placeOf({ file, index }: { readonly file: string; readonly index: number }): string {
  return `${file}\0${index}`
}

function wantedMemories(
  { documents, lastGood, everything }: KeepInput,
  declared: ReadonlySet<string>,
  policyBroken: boolean,
): readonly LastGoodDocument[] {
  if (everything) return lastGood.documents
  const broken = documents.filter(document => document.broken)
  if (broken.length === 0 && !policyBroken) return []
  const keys = new Set(broken.map(keyOf))
  const places = new Set(broken.map(({ read }) => placeOf(read)))
  const unreadableFiles = new Set(broken.filter(({ read }) => read.unreadable).map(({ read }) => read.file))
  return lastGood.documents.filter(one => {
    const key = identityKey(one.kind, one.name)
    if (isPolicy(one.kind) && policyBroken) return true
    if (declared.has(key)) return false
    // By what it is called; by where it stood, when it has been renamed; or anywhere in a file that hides its content.
    return keys.has(key) || places.has(placeOf(one)) || unreadableFiles.has(one.file)
  })
}

/** One line for each document that is in force or should be; a kept version stands for what keeps it. */
function statesOf(
  documents: readonly SourceDocument[],
  kept: Kept['kept'],
  isHeldBack: (document: SourceDocument) => boolean,
  policy: SourceDocument | undefined,
): readonly DocumentState[] {
  const byKey = new Map(documents.filter(({ broken }) => broken).map(document => [keyOf(document), document]))
  const byPlace = new Map(documents.filter(({ broken }) => broken).map(document => [placeOf(document.read), document]))
  const byFile = new Map(
    documents.filter(({ broken, read }) => broken && read.unreadable).map(document => [document.read.file, document]),
  )
  const shown = new Set<SourceDocument>()
  const keptStates = kept.map(({ document, memory }): DocumentState => {
    const own = byKey.get(keyOf(document)) ?? byPlace.get(placeOf(memory))
    const culprit = own ?? byFile.get(memory.file) ?? policy
    if (culprit !== undefined && (culprit === own || culprit.read.unreadable)) shown.add(culprit)
    return { ...placeAndName(document), state: 'last-good', why: whyNot(culprit) }
  })
  const keptKeys = new Set(kept.map(({ document }) => keyOf(document)))
  const ownStates = documents.flatMap((document): DocumentState[] => {
    const held = isHeldBack(document)
    if (shown.has(document) || (held && keptKeys.has(keyOf(document)))) return []
    if (document.broken || held) {
      return [{ ...placeAndName(document), state: 'refused', why: whyNot(document.broken ? document : policy) }]
    }
    if (document.declared !== undefined) return [{ ...placeAndName(document), state: 'current' }]
    const [first] = document.diagnostics
    return [{ ...placeAndName(document), state: 'ignored', ...(first === undefined ? {} : { why: first.message }) }]
  })
  return [...ownStates, ...keptStates].sort(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.index - b.index,
  )
}

function placeAndName({ read, declared }: SourceDocument) {
  const { file, index, position } = read
  return { file, index, line: position.line, ...(declared ? { kind: declared.kind, name: declared.name } : {}) }
}

function whyNot(culprit: SourceDocument | undefined): string {
  const mistake = culprit?.diagnostics.find(diagnostic => diagnostic.severity === 'error')
  if (mistake === undefined) return 'the config source could not be read as a whole'
  return `${mistake.file}:${mistake.line}:${mistake.column} ${mistake.code} ${mistake.message}`
}

function policyDiagnostic(culprit: SourceDocument, someKept: boolean): Diagnostic {
  const mistake = culprit.diagnostics.find(diagnostic => diagnostic.severity === 'error')
  const at = mistake ?? culprit.read.position
  return {
    severity: 'warning',
    code: 'POLICY_KEPT',
    file: at.file,
    line: at.line,
    column: at.column,
    message: someKept
      ? 'because of this, all Projects, AccessPolicies and Teams of the config source stay as they last were'
      : 'because of this, no Project, AccessPolicy or Team of the config source is in force',
    hint: 'mend this first: half a policy would be a hole',
  }
}

function lostDiagnostic(memory: LastGoodDocument, document: SourceDocument | undefined): Diagnostic {
  const mistake = document?.diagnostics.find(diagnostic => diagnostic.severity === 'error')
  const why = mistake === undefined ? '' : `: ${mistake.message}`
  return {
    severity: 'error',
    code: 'LAST_GOOD_LOST',
    file: memory.file,
    line: memory.startLine,
    column: 1,
    message: `the earlier version of ${memory.kind} "${memory.name}" cannot be kept${why}`,
  }
}

function distinctGates(gates: readonly PlacedGate[]): readonly PlacedGate[] {
  const seen = new Set<string>()
  return gates.filter(gate => {
    const key = `${gate.what}\0${gate.position.file}`
    return seen.size < seen.add(key).size
  })
}
