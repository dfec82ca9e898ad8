import { readGateDocument } from '@flotilla/config/gate-document'
import type { FreezeRule, WindowRule } from '@flotilla/core/gates/rules'
import type { MadeGateRow } from '@flotilla/core/ports/store'

/** As an edit is judged. What was accepted once and cannot be read any more closes everything, and says so. */
export function freezeRuleOf({ kind, name, document }: MadeGateRow): FreezeRule {
  const read = readGateDocument(document)
  if (read.kind === 'freeze') return read.rule
  const mistakes = read.kind === 'mistakes' ? read.mistakes.map(({ message }) => message) : []
  return {
    ...{ name: `${kind}/${name}`, level: 'organisation', freeze: 'hard', reason: '', scope: { all: true } },
    when: [{ from: '1970-01-01', through: '1970-01-01' }],
    unreadable: `as it is stored it has mistakes: ${mistakes.slice(0, 3).join('; ')}`,
  }
}

/** The same of a window. */
export function windowRuleOf({ kind, name, document }: MadeGateRow): WindowRule {
  const read = readGateDocument(document)
  if (read.kind === 'window') return read.rule
  return {
    ...{ name: `${kind}/${name}`, level: 'organisation', kind: '', schedule: '', duration: '' },
    select: { kind: 'scope', scope: { all: true } },
  }
}
