import { describe, expect, test } from 'vitest'
import { readDecisionSettings } from './decision-settings.ts'

const FULL = { apiVersion: 'mallard.io/v1', kind: 'ducks', statusListKey: 'decisions', matchKey: 'clusterName' }

describe('a ConfigMap for decision resources', () => {
  test('names group, version, resource and the two keys', () => {
    expect(readDecisionSettings(FULL)).toEqual({
      group: 'mallard.io',
      version: 'v1',
      resource: 'ducks',
      statusListKey: 'decisions',
      matchKey: 'clusterName',
    })
  })

  test('the list is called clusters unless it says otherwise, and without a match key nothing is meant', () => {
    const { apiVersion, kind } = FULL
    expect(readDecisionSettings({ apiVersion, kind })).toMatchObject({ statusListKey: 'clusters', matchKey: '' })
  })

  const bad: { [sentence: string]: { [key: string]: string } } = {
    'a core resource': { ...FULL, apiVersion: 'v1' },
    'no group before the slash': { ...FULL, apiVersion: '/v1' },
    'no kind': { ...FULL, kind: '' },
    'nothing at all': {},
    'a way out of the API’s paths': { ...FULL, kind: '../../../api/v1/secrets' },
    'a group that is a path': { ...FULL, apiVersion: 'a/../../v1' },
    'a resource with a question': { ...FULL, kind: 'ducks?watch=1' },
  }
  for (const [sentence, data] of Object.entries(bad)) {
    test(`${sentence} is refused`, () =>
      expect(() => readDecisionSettings(data)).toThrow(
        'there is a problem with the apiVersion, kind or resourceName provided',
      ))
  }
})
