import type { Application, Destination } from '@flotilla/core/model/application'
import type { Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Provenance } from '@flotilla/core/model/provenance'
import { compareUtf8 } from './go-text.ts'
import { originText } from './unique-names.ts'

/** Who holds a name now. */
export interface Incumbent {
  readonly source: string
  readonly file: string
  /** Absent for an Application written by hand. */
  readonly set?: string
  readonly destination: Destination
}

export interface NameRefusal {
  readonly application: Application
  readonly winner: Application
  /** `NAME_TAKEN`, at the refused Application's origin, naming both. */
  readonly diagnostic: Diagnostic
}

export interface NameResolution {
  /** One Application a name, in the order of the candidates. */
  readonly winners: readonly Application[]
  readonly refusals: readonly NameRefusal[]
}

/**
 * Decides which Application has a name that several claim, over all sets and documents of the hub (decision 13).
 *
 * A second claimant never disturbs the first: the one that continues the incumbent (same source and set, or same
 * source and file when it was written by hand) keeps the name; else the one with its destination, so that a renamed or
 * moved set keeps what it has. Without an incumbent the lowest (source, file, place in the file, element) wins, which
 * is the same on every hub and offline. The order of the candidates never matters for who wins.
 *
 * @param incumbents By name; empty on a cold start and offline.
 */
export function resolveNames(
  candidates: readonly Application[],
  incumbents: ReadonlyMap<string, Incumbent> = new Map(),
): NameResolution {
  const winners = new Map<string, Application>()
  for (const candidate of candidates) {
    const { name } = candidate.metadata
    const holder = winners.get(name)
    if (holder === undefined || compareClaims(candidate, holder, incumbents.get(name)) < 0) winners.set(name, candidate)
  }
  const refusals: NameRefusal[] = []
  const kept: Application[] = []
  for (const application of candidates) {
    const winner = winners.get(application.metadata.name)!
    if (winner === application) kept.push(application)
    else refusals.push({ application, winner, diagnostic: refusal(application, winner) })
  }
  return { winners: kept, refusals }
}

function compareClaims(a: Application, b: Application, incumbent: Incumbent | undefined): number {
  const rank = incumbent === undefined ? 0 : rankOf(a, incumbent) - rankOf(b, incumbent)
  return rank || compareOrigins(a.provenance, b.provenance)
}

function rankOf({ spec, provenance }: Application, incumbent: Incumbent): number {
  const sameOrigin =
    provenance.source === incumbent.source &&
    provenance.set === incumbent.set &&
    (incumbent.set !== undefined || provenance.file === incumbent.file)
  const sameDestination = destinationText(spec.destination) === destinationText(incumbent.destination)
  return (sameOrigin ? 0 : 2) + (sameDestination ? 0 : 1)
}

function destinationText({ name = '', server = '', namespace = '' }: Destination): string {
  return JSON.stringify([name, server, namespace])
}

function compareOrigins(a: Provenance, b: Provenance): number {
  return (
    compareUtf8(a.source, b.source) ||
    compareUtf8(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    compareUtf8(a.set ?? '', b.set ?? '') ||
    compareGenerators(a.generator ?? '', b.generator ?? '') ||
    (a.element ?? -1) - (b.element ?? -1)
  )
}

/** `2` before `10`, `0` before `0.union.1`: in the order of the document. */
function compareGenerators(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')]
  for (let at = 0; at < left.length && at < right.length; at++) {
    const order = Number(left[at]) - Number(right[at]) || compareUtf8(left[at]!, right[at]!)
    if (order !== 0) return order
  }
  return left.length - right.length
}

function refusal(application: Application, winner: Application): Diagnostic {
  const { file, line, column } = application.provenance
  return {
    severity: 'error',
    code: 'NAME_TAKEN',
    file,
    line,
    column,
    message: `Application name "${application.metadata.name}" is taken: ${originText(winner.provenance)} has it, ${originText(application.provenance)} is refused`,
    hint: 'give one of the two another name',
  }
}
