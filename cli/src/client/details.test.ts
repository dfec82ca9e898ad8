import { expect, test } from 'vitest'
import { coloursOf } from '../output/colours.ts'
import { applicationDetails, sourceDetails } from './details.ts'

const PLAIN = coloursOf({ env: { NO_COLOR: '1' } } as never, { write: () => undefined, isTerminal: false })

test('an Application says why it is held, where, and what its cluster answered', () => {
  const row = {
    name: 'web',
    hold: {
      code: 'MANIFEST_INVALID',
      reason: 'apps/a.yaml:7:4 "[" is not closed',
      at: { file: 'apps/a.yaml', line: 7, column: 4 },
    },
    sync: { status: 'OutOfSync', message: 'ConfigMap web differs\u001b[2J' },
    health: { status: 'Degraded' },
    operation: { phase: 'Failed', message: 'configmaps is forbidden' },
  }
  const text = applicationDetails(row, PLAIN)
  expect(text).not.toContain('\u001b')
  expect(text.split('\n')).toEqual([
    'hold: MANIFEST_INVALID apps/a.yaml:7:4 "[" is not closed',
    'at: apps/a.yaml:7:4',
    expect.stringContaining('sync: ConfigMap web differs'),
    'operation: Failed configmaps is forbidden',
    '',
  ])
})

test('an operation says how often it was tried, when it goes on, and what its hooks said last', () => {
  const row = {
    operation: {
      phase: 'Running',
      message: 'it failed. Retrying attempt #1 at 12:05AM.',
      attempts: 2,
      resumesAt: '2030-01-01T00:05:00.000Z',
      failedHooks: [
        {
          object: 'batch/Job shop/migrate',
          phase: 'PreSync',
          message: 'no such table',
          reason: 'Error',
          exitCode: 1,
          pod: 'migrate-x',
          lastLines: ['connecting', 'no such\u001b[2J table'],
        },
      ],
    },
  }
  const text = applicationDetails(row, PLAIN)
  expect(text).not.toContain('\u001b')
  expect(text.split('\n')).toEqual([
    'operation: Running it failed. Retrying attempt #1 at 12:05AM. (attempt 2, goes on at 2030-01-01T00:05:00.000Z)',
    'hook: batch/Job shop/migrate (PreSync, Error, exit code 1) no such table',
    '  connecting',
    expect.stringContaining('  no such'),
    '',
  ])
})

test('where all is well there is nothing to say', () => {
  const well = {
    hold: null,
    sync: { status: 'Synced' },
    health: { status: 'Healthy' },
    operation: { phase: 'Succeeded', message: 'ok' },
  }
  expect(applicationDetails(well, PLAIN)).toBe('')
  expect(sourceDetails({ error: null, diagnostics: [], documents: [] }, PLAIN)).toBe('')
})

test('a config source lists its mistakes as "validate" does, and what is kept', () => {
  const row = {
    error: { code: 'REPOSITORY_UNREACHABLE', message: 'it is away', since: '2030-01-01T00:00:00.000Z' },
    diagnostics: [
      {
        severity: 'error',
        code: 'UNKNOWN_FIELD',
        file: 'a.yaml',
        line: 3,
        column: 2,
        message: 'there is no field "x"',
        hint: 'did you mean "y"?',
      },
    ],
    documents: [
      { kind: 'ApplicationSet', name: 'shop', state: 'last-good' },
      { kind: 'ApplicationSet', name: 'new', state: 'refused' },
    ],
  }
  expect(sourceDetails(row, PLAIN).split('\n')).toEqual([
    'error: REPOSITORY_UNREACHABLE it is away (since 2030-01-01T00:00:00.000Z)',
    'a.yaml:3:2 UNKNOWN_FIELD there is no field "x"',
    '  hint: did you mean "y"?',
    'kept: ApplicationSet "shop" is in force as it last was good',
    '',
  ])
})
