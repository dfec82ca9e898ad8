import { describe, expect, it } from 'vitest'
import { arrows } from './arrows.ts'
import { fileSize } from './file-size.ts'
import { noAmbientTime } from './no-ambient-time.ts'

describe('arrows', () => {
  const cases: readonly [sentence: string, path: string, text: string, broken: boolean][] = [
    ['core imports nothing of ours', 'core/src/a.ts', `import { x } from '@flotilla/generators'`, true],
    ['core may import itself by name', 'core/src/a.ts', `import { x } from '@flotilla/core/json/json'`, false],
    ['core reads no files', 'core/src/a.ts', `import { readFileSync } from 'node:fs'`, true],
    ['core may hash', 'core/src/a.ts', `import { createHash } from 'node:crypto'`, false],
    ['a test of core may read files', 'core/src/a.test.ts', `import { readFileSync } from 'node:fs'`, false],
    ['the hub never imports the agents', 'hub/src/a.ts', `import type { A } from '@flotilla/agents/agent'`, true],
    ['the agents never import the hub', 'agents/src/a.ts', `export { h } from '@flotilla/hub'`, true],
    ['a dynamic import is an import', 'agents/src/a.ts', `const h = await import('@flotilla/hub')`, true],
    [
      'a test of the agents may use the simulated cluster',
      'agents/src/a.test.ts',
      `import { S } from '@flotilla/sim'`,
      false,
    ],
    ['the agent itself may not', 'agents/src/a.ts', `import { S } from '@flotilla/sim'`, true],
    [
      'a relative path stays inside its workspace',
      'hub/src/a/b.ts',
      `import { x } from '../../../core/src/x.ts'`,
      true,
    ],
    ['a relative path inside its workspace is fine', 'hub/src/a/b.ts', `import { x } from '../c.ts'`, false],
    ['test/sim is not test', 'test/sim/src/a.ts', `import { x } from '@flotilla/hub'`, true],
    ['test may import all', 'test/e2e/a.ts', `import { x } from '@flotilla/hub'`, false],
    ['an import over several lines is seen', 'core/src/a.ts', `import {\n  x,\n} from '@flotilla/hub'`, true],
  ]
  it.each(cases)('%s', (_sentence, path, text, broken) => {
    expect(arrows({ path, text }).length > 0).toBe(broken)
  })
})

describe('no ambient time', () => {
  const cases: readonly [sentence: string, path: string, text: string, broken: boolean][] = [
    ['Date.now is refused', 'hub/src/a.ts', 'const t = Date.now()', true],
    ['new Date() is refused', 'core/src/a.ts', 'const t = new Date()', true],
    ['new Date(value) is a conversion', 'core/src/a.ts', 'const t = new Date(at)', false],
    ['a global timer is refused', 'agents/src/a.ts', 'setTimeout(f, 1)', true],
    ["a port's timer is fine", 'agents/src/a.ts', 'clock.setTimer(1, f)', false],
    ['a comment is not code', 'hub/src/a.ts', '// Date.now() is banned', false],
    ['a string is not code', 'hub/src/a.ts', `const s = 'Math.random()'`, false],
    ['the start files may', 'hub/src/main.ts', 'createClock(globalThis)', false],
    ['tests may', 'hub/src/a.test.ts', 'Date.now()', false],
    ['so may what serves them', 'hub/src/testing/a.ts', 'Date.now()', false],
    ['a name that only begins so is no such folder', 'hub/src/testing.ts', 'Date.now()', true],
  ]
  it.each(cases)('%s', (_sentence, path, text, broken) => {
    expect(noAmbientTime({ path, text }).length > 0).toBe(broken)
  })

  it('names the line', () => {
    expect(noAmbientTime({ path: 'hub/src/a.ts', text: 'const a = 1\n\nMath.random()' })[0]?.line).toBe(3)
  })
})

describe('file size', () => {
  it('refuses a file with more lines than one idea needs', () => {
    expect(fileSize({ path: 'hub/src/a.ts', text: 'x\n'.repeat(451) })).toHaveLength(1)
    expect(fileSize({ path: 'hub/src/a.ts', text: 'x\n'.repeat(450) })).toHaveLength(0)
    expect(fileSize({ path: 'hub/src/a.test.ts', text: 'x\n'.repeat(900) })).toHaveLength(0)
  })
})
