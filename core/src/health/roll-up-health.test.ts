import { describe, expect, it } from 'vitest'
import type { Health } from '../model/status.ts'
import { type AssessedObject, countHealth, countsForHealth, rollUpHealth } from './roll-up-health.ts'

const ROWS: {
  readonly [sentence: string]: { readonly objects: readonly AssessedObject[]; readonly expected: Health }
} = {
  'no objects at all is Healthy': { objects: [], expected: { status: 'Healthy' } },
  'the worst counts, and the message names it': {
    objects: [live('a', 'Healthy'), live('b', 'Progressing'), live('c', 'Degraded')],
    expected: { status: 'Degraded', message: 'Caused by apps/Deployment:n/c' },
  },
  'Suspended is worse than Healthy and better than Progressing': {
    objects: [live('a', 'Healthy'), live('b', 'Suspended')],
    expected: { status: 'Suspended', message: 'Caused by apps/Deployment:n/b' },
  },
  'three causes are named, the rest counted': {
    objects: ['a', 'b', 'c', 'd', 'e'].map(name => live(name, 'Degraded')),
    expected: {
      status: 'Degraded',
      message: 'Caused by apps/Deployment:n/a, apps/Deployment:n/b, apps/Deployment:n/c and 2 more',
    },
  },
  'an object without a rule does not count': {
    objects: [{ ...live('a', 'Healthy'), health: null }],
    expected: { status: 'Healthy' },
  },
  'one missing object among live ones does not count at once': {
    objects: [live('a', 'Healthy'), missing('b')],
    expected: { status: 'Healthy' },
  },
  'a missing object counts after its grace': {
    objects: [live('a', 'Healthy'), { ...missing('b'), missingTooLong: true }],
    expected: { status: 'Missing', message: 'Caused by apps/Deployment:n/b' },
  },
  'not one object live is Missing': {
    objects: [missing('a'), missing('b')],
    expected: { status: 'Missing', message: 'Caused by apps/Deployment:n/a, apps/Deployment:n/b' },
  },
  'what asks to be left out is left out': {
    objects: [live('a', 'Healthy'), { ...live('b', 'Degraded'), counted: false }],
    expected: { status: 'Healthy' },
  },
}

describe('rollUpHealth', () => {
  it.each(Object.entries(ROWS))('%s', (_sentence, { objects, expected }) => {
    expect(rollUpHealth(objects)).toEqual(expected)
  })
})

describe('rollUpHealth of an Application of Applications', () => {
  const child = (status: Health['status']): AssessedObject => {
    return {
      ...live('child', status),
      key: { group: 'argoproj.io', kind: 'Application', namespace: 'n', name: 'child' },
    }
  }

  it('does not count a child that nobody has looked at', () => {
    expect(rollUpHealth([live('a', 'Healthy'), child('Unknown')])).toEqual({ status: 'Healthy' })
    expect(rollUpHealth([live('a', 'Healthy'), child('Missing')])).toEqual({ status: 'Healthy' })
  })

  it('counts a child that is Degraded', () => {
    expect(rollUpHealth([live('a', 'Healthy'), child('Degraded')]).status).toBe('Degraded')
  })
})

describe('countHealth', () => {
  it('says how many are in each state, best first', () => {
    expect(Object.entries(countHealth(['Degraded', 'Healthy', 'Healthy']))).toEqual([
      ['Healthy', 2],
      ['Degraded', 1],
    ])
  })
})

describe('countsForHealth', () => {
  it('leaves out hooks and what says so', () => {
    const withAnnotation = (annotations: { readonly [key: string]: string }) =>
      countsForHealth({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', annotations } })
    expect(withAnnotation({})).toBe(true)
    expect(withAnnotation({ 'argocd.argoproj.io/ignore-healthcheck': 'true' })).toBe(false)
    expect(withAnnotation({ 'argocd.argoproj.io/ignore-healthcheck': 'false' })).toBe(true)
    expect(withAnnotation({ 'argocd.argoproj.io/hook': 'PreSync' })).toBe(false)
  })
})

function live(name: string, status: Health['status']): AssessedObject {
  const key = { group: 'apps', kind: 'Deployment', namespace: 'n', name }
  return { key, live: true, health: { status }, counted: true }
}

function missing(name: string): AssessedObject {
  return { ...live(name, 'Healthy'), live: false, health: null }
}
