import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

/** A checkout of nothing but the first script, with an npm that writes down what it was asked. */
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'flotilla-run-'))
  for (const folder of ['scripts', 'cli/bin', 'node_modules', 'programs'])
    mkdirSync(join(root, folder), { recursive: true })
  copyFileSync(fileURLToPath(new URL('run.mjs', import.meta.url)), join(root, 'scripts/run.mjs'))
  writeFileSync(join(root, 'package-lock.json'), '{"one":1}')
  const said = 'console.log(JSON.stringify(process.argv.slice(2))); process.exit(Number(process.env.ENDS_WITH ?? 0))'
  writeFileSync(join(root, 'cli/bin/flotilla.mjs'), said)
  const npm = join(root, 'programs/npm')
  writeFileSync(npm, `#!/bin/sh\necho "$@" >> "${root}/npm.log"\nexit \${NPM_ENDS_WITH:-0}\n`)
  chmodSync(npm, 0o755)
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function run(words: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts/run.mjs'), ...words], {
    env: environment(env),
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

function environment(env: Record<string, string>): NodeJS.ProcessEnv {
  const { npm_execpath: _, ...inherited } = process.env
  const path = [join(root, 'programs'), dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter)
  return { ...inherited, PATH: path, ...env }
}

function installs(): number {
  const log = join(root, 'npm.log')
  return existsSync(log)
    ? readFileSync(log, 'utf8')
        .split('\n')
        .filter(line => line.startsWith('ci ')).length
    : 0
}

describe('the first command after a clone', () => {
  test('installs, says so, and hands over words and exit code; the second time it only hands over', () => {
    const first = run(['demo', '--once'], { ENDS_WITH: '7' })
    expect(first).toMatchObject({ status: 7, stdout: '["demo","--once"]\n' })
    expect(first.stderr).toMatch(/first run, installing dependencies/)
    const second = run(['demo', '--once'])
    expect(second).toEqual({ status: 0, stdout: '["demo","--once"]\n', stderr: '' })
    expect(installs()).toBe(1)
  })

  test('installs again when the lock file has changed', () => {
    run(['demo'])
    writeFileSync(join(root, 'package-lock.json'), '{"two":2}')
    expect(run(['demo']).stderr).toMatch(/the lock file has changed, installing again/)
    run(['demo'])
    expect(installs()).toBe(2)
  })

  test('an install that fails is not taken for done', () => {
    const failed = run(['demo'], { NPM_ENDS_WITH: '3' })
    expect(failed).toMatchObject({ status: 1, stdout: '' })
    expect(failed.stderr).toMatch(/npm ci failed/)
    expect(run(['demo']).status).toBe(0)
    expect(installs()).toBe(2)
  })

  test('an unknown verb installs nothing and names those that there are', () => {
    const { status, stderr } = run(['dmeo'])
    expect(status).toBe(1)
    expect(stderr).toMatch(/unknown verb "dmeo"; known: demo, test, test:fast/)
    expect(installs()).toBe(0)
  })

  test('told to end, tells what it started, and ends with it and as it does', async () => {
    const waits = "process.on('SIGTERM', () => { console.log('in order'); process.exit(5) }); console.log('up')"
    writeFileSync(join(root, 'cli/bin/flotilla.mjs'), `${waits}; setTimeout(() => process.exit(9), 30_000)`)
    const started = spawn(process.execPath, [join(root, 'scripts/run.mjs'), 'demo'], { env: environment({}) })
    let said = ''
    for await (const chunk of started.stdout) {
      said += chunk
      if (said === 'up\n') started.kill('SIGTERM')
    }
    expect(said).toBe('up\nin order\n')
    if (started.exitCode === null) await once(started, 'exit')
    expect(started.exitCode).toBe(5)
  })
})
