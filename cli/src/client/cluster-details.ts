import { listAt, numberIfAny, textAt, valueAt } from '@flotilla/core/json/read-json'
import { printable } from '../output/table.ts'
import type { Details } from './details.ts'

/** Each state of a cluster that is not just as it should be, what it means and what to do; empty when all is well. */
export const clusterDetails: Details = (row, colours) => {
  const say = (label: string, text: string): string => `${colours.dim(`${label}:`)} ${printable(text)}\n`
  const lines: string[] = []
  for (const state of listAt(row, 'states')) {
    const code = textAt(state, 'code')
    if (textAt(state, 'tone') === 'good') continue
    lines.push(say(code, textAt(state, 'meaning')))
    if (code === 'REVOKED') lines.push(say('  since', textAt(row, 'revokedAt')))
    if (code === 'CLONED') lines.push(...instancesOf(row, say))
    lines.push(say('  to do', textAt(state, 'mend')))
  }
  const skewMs = numberIfAny(row, 'clockSkewMs')
  if (skewMs !== undefined) lines.push(say('clock', skewText(skewMs)))
  return lines.join('')
}

function skewText(skewMs: number): string {
  if (Math.abs(skewMs) < 1000) return 'as the hub’s'
  return `${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the hub’s`
}

/** Who the two are: the one that is to stay is told by where it runs. */
function instancesOf(row: Parameters<Details>[0], say: (label: string, text: string) => string): readonly string[] {
  const cloned = valueAt(row, 'cloned')
  if (cloned === undefined || cloned === null) return []
  const why =
    textAt(cloned, 'why') === 'one-incarnation'
      ? 'two living agents have one incarnation'
      : 'two agents raise themselves above each other'
  return [
    say('  since', `${textAt(cloned, 'since')}: ${why}`),
    ...listAt(cloned, 'instances').map(instance => {
      const inc = valueAt(instance, 'incarnation')
      return say(
        '  agent',
        `${textAt(instance, 'instance')}, incarnation ${inc}, last ${textAt(instance, 'lastHeard')}`,
      )
    }),
  ]
}
