import { describe, expect, test } from 'vitest'
import { type FunctionScope, GoFunctionError } from '../go-function.ts'
import { GoInteger, GoTime, type GoValue } from '../go-value.ts'
import { printValue } from '../print-value.ts'
import { SPRIG_FUNCTIONS } from './index.ts'

const NOW = Date.UTC(2026, 10, 21, 18, 5, 30, 250)
const scope: FunctionScope = {
  environment: { now: () => NOW, bytes: length => new Uint8Array(length) },
  spend: () => {},
}
const SECOND = 1_000_000_000n

function shown(name: string, ...args: readonly GoValue[]): string {
  return printValue(SPRIG_FUNCTIONS.get(name)!.call(args, scope))
}

function before(seconds: number): GoTime {
  return new GoTime(BigInt(NOW) * 1_000_000n - BigInt(seconds) * SECOND, 'UTC')
}

describe('what asks for the time has it from the shell', () => {
  const cases: readonly [sentence: string, expected: string, name: string, ...args: GoValue[]][] = [
    ['now is an instant', '2026-11-21 18:05:30.25 +0000 UTC', 'now'],
    ['a text is no date: the date is that of now', '2026-11-21', 'date', '2006-01-02', '1999-01-01'],
    ['nor is a number of a file', '2026-11-21', 'htmlDate', 1_000_000],
    ['nor is nothing', '19:05 CET', 'dateInZone', '15:04 MST', null, 'Europe/Berlin'],
    ['a time ago is told in whole seconds', '1m30s', 'ago', before(90)],
    ['halves of a second go up', '1s', 'ago', new GoTime(BigInt(NOW) * 1_000_000n - SECOND / 2n, 'UTC')],
    ['what comes has a sign', '-1h0m0s', 'ago', before(-3600)],
    ['seconds since 1970 are a time', '1h0m0s', 'ago', new GoInteger(Math.floor(NOW / 1000) - 3600, 'int64')],
    ['what is no time is now', '0s', 'ago', 'yesterday'],
    ['a rounded age', '3mo', 'durationRound', before(100 * 86_400)],
    ['a rounded age of what comes', '2h', 'durationRound', before(-3 * 3600 + 60)],
  ]
  test.each(cases)('%s', (_sentence, expected, name, ...args) => {
    expect(shown(name, ...args)).toBe(expected)
  })

  test.each(['now', 'ago', 'htmlDate'])('%s without it is refused', name => {
    const nowhere: FunctionScope = { environment: undefined, spend: () => {} }
    expect(() => SPRIG_FUNCTIONS.get(name)!.call([null], nowhere)).toThrow(GoFunctionError)
  })
})

describe('zones', () => {
  const cases: readonly [sentence: string, zone: string, seconds: number, expected: string][] = [
    ['an hour before clocks go on', 'Europe/Berlin', Date.UTC(2026, 2, 29, 0, 59, 59), '01:59:59 CET'],
    ['a second later it is summer', 'Europe/Berlin', Date.UTC(2026, 2, 29, 1, 0, 0), '03:00:00 CEST'],
    ['the hour that comes twice, first', 'America/New_York', Date.UTC(2026, 10, 1, 5, 30, 0), '01:30:00 EDT'],
    ['and again', 'America/New_York', Date.UTC(2026, 10, 1, 6, 30, 0), '01:30:00 EST'],
    ['a zone without a name of its own', 'America/Sao_Paulo', NOW, '15:05:30 -03'],
    ['a quarter of an hour', 'Asia/Kathmandu', NOW, '23:50:30 +0545'],
    ['what is no zone is UTC', 'Mars/Olympus', NOW, '18:05:30 UTC'],
  ]
  test.each(cases)('%s', (_sentence, zone, at, expected) => {
    const time = new GoTime(BigInt(at) * 1_000_000n, 'UTC')
    expect(shown('dateInZone', '15:04:05 MST', time, zone)).toBe(expected)
  })
})
