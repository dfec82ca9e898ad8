import { loadCustomRules } from '@flotilla/core/health/custom/custom-rules'
import { getKey } from '@flotilla/core/json/json'
import { compareDiagnostics, type Diagnostic } from '@flotilla/core/model/diagnostic'
import type { Declared, Fleet } from '@flotilla/core/model/fleet'
import type { ResourceCustomizations } from '@flotilla/core/model/resource-customizations'
import { member } from './kinds/kind.ts'
import { type Place, placeOf } from './reference-diagnostics.ts'

/**
 * Health scripts that cannot be read, each at its key: its kind keeps the rule that it has without it, and the document
 * stays in force. Apart from `load`, because Lua is read with the first script and not at all without one.
 */
export async function scriptMistakes({
  resourceCustomizations = [],
}: Pick<Fleet, 'resourceCustomizations'>): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = []
  for (const declared of resourceCustomizations) {
    const scripts = declared.spec.health.filter(source => 'lua' in source)
    const { mistakes } = await loadCustomRules(scripts, () => 0)
    for (const { kind, message } of mistakes) {
      found.push({
        severity: 'error',
        code: 'INVALID_VALUE',
        ...placeIn(declared, kind, message),
        message: `the health script for ${kind} cannot be read: ${message}`,
      })
    }
  }
  return found.sort(compareDiagnostics)
}

/** The line of the script where that has a key of its own, and else where all of them stand. */
function placeIn(declared: Declared<ResourceCustomizations>, kind: string, message: string): Place {
  const path = ['data', `resource.customizations.health.${kind.replace('/', '_')}`]
  if (getKey(member(declared.document, 'data'), path[1]!) === undefined) {
    return placeOf(declared, ['data', 'resource.customizations'])
  }
  const line = Number(/^health:(\d+):/.exec(message)?.[1] ?? 1)
  return { ...placeOf(declared, path), ...declared.placeWithin?.(path, { line, column: 1 }) }
}
