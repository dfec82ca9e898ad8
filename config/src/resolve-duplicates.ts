import type { Diagnostic, Position } from '@flotilla/core/model/diagnostic'
import type { SourceDocument } from './declare.ts'
import { identityKey, type LastGood, type LastGoodDocument } from './last-good.ts'

/**
 * Leaves each kind and name to one document of the source: to the one that had it before, or else to the first that
 * is sound. The others are broken from here on, and say where the first one stands.
 */
export function resolveDuplicates(documents: readonly SourceDocument[], lastGood: LastGood): readonly SourceDocument[] {
  const claims = new Map<string, SourceDocument[]>()
  for (const document of documents) {
    const { declares } = document.read
    if (declares === undefined || declares.name === '') continue
    const key = identityKey(declares.kind, declares.name)
    const others = claims.get(key)
    if (others === undefined) claims.set(key, [document])
    else others.push(document)
  }
  const contested = [...claims].filter(([, claimants]) => claimants.length > 1)
  if (contested.length === 0) return documents

  const incumbents = new Map(lastGood.documents.map(one => [identityKey(one.kind, one.name), one]))
  const refused = new Map<SourceDocument, SourceDocument>()
  for (const [key, claimants] of contested) {
    const winner = winnerOf(claimants, incumbents.get(key))
    for (const claimant of claimants) if (claimant !== winner) refused.set(claimant, winner)
  }
  return documents.map(document => {
    const winner = refused.get(document)
    return winner === undefined ? document : duplicate(document, winner.read.position)
  })
}

function winnerOf(claimants: readonly SourceDocument[], incumbent: LastGoodDocument | undefined): SourceDocument {
  const inFile = claimants.filter(({ read }) => read.file === incumbent?.file)
  return (
    inFile.find(({ read }) => read.text === incumbent?.text) ??
    inFile.find(({ read }) => read.index === incumbent?.index) ??
    inFile[0] ??
    claimants.find(claimant => !claimant.broken) ??
    claimants[0]!
  )
}

function duplicate(document: SourceDocument, first: Position): SourceDocument {
  const { kind, name } = document.read.declares!
  return {
    ...document,
    broken: true,
    diagnostics: [...document.diagnostics, duplicateDiagnostic(document, `${kind} "${name}"`, first)],
  }
}

function duplicateDiagnostic(document: SourceDocument, what: string, first: Position): Diagnostic {
  return {
    severity: 'error',
    code: 'DUPLICATE_NAME',
    ...document.read.declares!.positionOf(['metadata', 'name']),
    message: `${what} is declared already at ${first.file}:${first.line}, and stays what it is there`,
    hint: 'rename one of them',
  }
}
