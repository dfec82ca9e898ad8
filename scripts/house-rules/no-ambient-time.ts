import { blankText } from './blank-text.ts'
import { isTestFile, lineOf, type Rule } from './rule.ts'

const AMBIENT: readonly { readonly pattern: RegExp; readonly what: string; readonly instead: string }[] = [
  { pattern: /\bDate\.now\(/g, what: 'Date.now()', instead: 'clock.now()' },
  { pattern: /\bnew Date\(\s*\)/g, what: 'new Date()', instead: 'clock.now()' },
  { pattern: /\bperformance\.now\(/g, what: 'performance.now()', instead: 'clock.monotonicMs()' },
  { pattern: /\bprocess\.hrtime\b/g, what: 'process.hrtime', instead: 'clock.monotonicMs()' },
  { pattern: /\bMath\.random\(/g, what: 'Math.random()', instead: 'random.fraction()' },
  {
    pattern: /\b(?:randomBytes|randomUUID|randomInt|getRandomValues)\(/g,
    what: 'random bytes',
    instead: 'random.bytes()',
  },
  { pattern: /(?<![.\w])set(?:Timeout|Interval)\(/g, what: 'a global timer', instead: 'clock.setTimer()' },
  { pattern: /\bglobalThis\b/g, what: 'globalThis', instead: 'a port' },
  { pattern: /\bnode:timers\b/g, what: 'node:timers', instead: 'clock.setTimer()' },
]

/** Start files and the adapters whose job is to be the outside world. */
const ALLOWED = [
  /^core\/src\/ports\/create-(clock|random)\.ts$/,
  /^(hub|agents|cli)\/src\/main\.ts$/,
  /^cli\/src\/commands\/(demo|hub|agent)\.ts$/,
  /^test\//,
  /^scripts\//,
]

/** Time and chance enter as ports (decision 20): what reads them from the air cannot be simulated. */
export const noAmbientTime: Rule = file => {
  if (isTestFile(file.path) || ALLOWED.some(allowed => allowed.test(file.path))) return []
  const code = blankText(file.text)
  return AMBIENT.flatMap(({ pattern, what, instead }) =>
    [...code.matchAll(pattern)].map(match => ({
      path: file.path,
      line: lineOf(code, match.index),
      rule: 'no-ambient-time',
      message: `${what} outside a start file: take a Clock or Random and use ${instead}`,
    })),
  )
}
