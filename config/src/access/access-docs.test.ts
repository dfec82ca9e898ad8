import { readFileSync } from 'node:fs'
import { decide } from '@flotilla/core/access/authorise'
import { compilePolicy } from '@flotilla/core/access/policy'
import { describe, expect, it } from 'vitest'
import { readAccess } from './read-access.ts'

const text = readFileSync(new URL('../../../docs/access.md', import.meta.url), 'utf8')
const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml], index) => ({
  path: `example-${index}.yaml`,
  text: yaml!,
}))

describe('docs/access.md', () => {
  const { settings, diagnostics, found } = readAccess(examples)
  const policy = compilePolicy({ ...settings, defaultRole: '' })

  it('its examples are sound', () => {
    expect(found).toBe(3)
    expect(diagnostics).toEqual([])
  })

  it.each<[string, string, string, string, string, boolean]>([
    ['a row for a group', 'sso:shop-devs', 'sync', 'shop', 'web', true],
    ['a deny beside it', 'sso:shop-devs', 'sync', 'shop', 'ledger', false],
    ['a binding', 'sso:night-shift', 'action/apps/Deployment/restart', 'shop-eu', 'web', true],
    ['its condition', 'sso:night-shift', 'action/apps/Deployment/restart', 'shop-eu', 'ledger-1', false],
    ['a team that watches', 'sso:shop-devs', 'get', 'platform', 'dns', true],
    ['nobody else', 'sso:other', 'get', 'platform', 'dns', false],
  ])('its examples mean what it says: %s', (_, group, action, project, name, allowed) => {
    const object = { resource: 'applications', project, name, environment: 'prod' }
    expect(decide(policy, { kind: 'person', subject: 'x', groups: [group] }, action, object).allowed).toBe(allowed)
  })
})
