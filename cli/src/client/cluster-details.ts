import { listAt, textAt, valueAt } from '@flotilla/core/json/read-json'
import { printable } from '../output/table.ts'
import type { Details } from './details.ts'

/** What is wrong with a cluster, and what to do about it; empty when all is well. */
export const clusterDetails: Details = (row, colours) => {
  const name = textAt(row, 'name')
  const cloned = valueAt(row, 'cloned')
  const say = (label: string, text: string): string => `${colours.dim(`${label}:`)} ${printable(text)}\n`
  const lines: string[] = []
  const revokedAt = textAt(row, 'revokedAt')
  if (revokedAt !== '') {
    lines.push(say('revoked', `since ${revokedAt}; to let it in again: flotilla cluster join-token --cluster ${name}`))
  }
  if (cloned !== undefined && cloned !== null) {
    const why =
      textAt(cloned, 'why') === 'one-incarnation'
        ? 'two living agents have one incarnation'
        : 'two agents raise themselves above each other'
    lines.push(say('cloned', `CLONED since ${textAt(cloned, 'since')}: ${why}; it gets no Grants`))
    for (const instance of listAt(cloned, 'instances')) {
      const inc = valueAt(instance, 'incarnation')
      lines.push(
        say('  agent', `${textAt(instance, 'instance')}, incarnation ${inc}, last ${textAt(instance, 'lastHeard')}`),
      )
    }
    const token = `flotilla cluster join-token --cluster ${name}`
    lines.push(
      say('  to do', `give the right one a new token (${token}), then: flotilla cluster approve ${name} --replace`),
    )
  }
  return lines.join('')
}
