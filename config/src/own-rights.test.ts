import { describe, expect, it } from 'vitest'
import { load } from './load.ts'
import { mergeFleets } from './merge-fleets.ts'
import { ownRights } from './own-rights.ts'

function told(spec: string) {
  const text = `apiVersion: flotilla.dev/v1alpha1\nkind: Project\nmetadata:\n  name: shop\nspec: ${spec}\n`
  const files = [{ path: 'shop.yaml', text }]
  const { fleet } = mergeFleets([load({ source: '', trust: { kind: 'all' }, files })])
  return ownRights(fleet).map(({ file, line, column, code, severity }) => [file, line, column, severity, code])
}

describe('a Project', () => {
  it('that names no service accounts gives away the rights of the agents', () => {
    expect(told('{ description: the shop }')).toEqual([['shop.yaml', 4, 9, 'warning', 'IMPERSONATION_ABSENT']])
    expect(told('{ destinationServiceAccounts: [] }')).toHaveLength(1)
  })

  it('that names some, or demands them, does not', () => {
    const account = '{ server: "*", namespace: "*", defaultServiceAccount: deployer }'
    expect(told(`{ destinationServiceAccounts: [${account}] }`)).toEqual([])
    expect(told('{ impersonation: required }')).toEqual([])
  })
})
