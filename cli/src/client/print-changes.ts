import type { Json, JsonObject } from '@flotilla/core/json/json'
import { textAt } from '@flotilla/core/json/read-json'
import type { CliContext } from '../context.ts'
import { printable } from '../output/table.ts'

/** What would become of each object, with the difference below it. */
export function printChanges({ stdout }: CliContext, changes: readonly Json[]): void {
  for (const change of changes) {
    const gone = textAt(change, 'change') === 'removed' && (change as JsonObject)['pruned'] === false
    const note = gone ? ', and left in the cluster' : ''
    stdout.write(`${printable(`${textAt(change, 'change')}${note}: ${textAt(change, 'object')}`)}\n`)
    for (const line of textAt(change, 'diff').split('\n')) if (line !== '') stdout.write(`${printable(line)}\n`)
  }
}
