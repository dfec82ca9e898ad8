#!/usr/bin/env node
// The first thing that runs after a clone, on whatever Node is there (20 or newer): no dependency may be imported.
// It installs what the lock file names when that is not there yet, finds the right Node, and hands over.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const BIN = join(ROOT, 'node_modules', '.bin')
const STAMP = join(ROOT, 'node_modules', '.flotilla-installed')
const NEEDED = [22, 19]

const [verb = 'help', ...rest] = process.argv.slice(2)
const VERBS = {
  demo: ['cli/bin/flotilla.mjs', 'demo'],
  test: ['scripts/test.ts'],
  'test:fast': ['scripts/test.ts', '--fast'],
  'test:nightly': ['scripts/test.ts', '--only', 'nightly,nightly-sockets,nightly-cost,nightly-fleets,nightly-planted'],
  'test:kills': ['scripts/test.ts', '--only', 'kills'],
  'test:chaos': ['scripts/test.ts', '--only', 'chaos'],
  conformance: ['test/conformance/run.ts'],
  simulate: ['test/simulation/main.ts'],
  bench: ['test/bench/run.ts'],
  build: ['scripts/build.ts'],
  lint: ['scripts/test.ts', '--only', 'format,rules'],
  format: ['scripts/test.ts', '--only', 'reformat'],
  typecheck: ['scripts/test.ts', '--only', 'types'],
  flotilla: ['cli/bin/flotilla.mjs'],
}

function say(text) {
  process.stderr.write(`flotilla: ${text}\n`)
}

function fail(text) {
  say(text)
  process.exit(1)
}

function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return
  say(
    existsSync(STAMP)
      ? 'the lock file has changed, installing again ...'
      : 'first run, installing dependencies (about half a minute) ...',
  )
  const npm = process.env.npm_execpath
  const [command, leading] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const result = spawnSync(command, [...leading, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
  })
  if (result.error) fail(`npm could not be started: ${result.error.message}`)
  if (result.status !== 0) fail('npm ci failed; its own words are above')
  writeFileSync(STAMP, lock)
  say('installed')
}

/** Node 24 from the lock file; else the host's own when it is new enough. */
function findNode() {
  const bundled = join(BIN, process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(bundled) && spawnSync(bundled, ['--version']).status === 0) return bundled
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return process.execPath
  return fail(
    `Node ${NEEDED.join('.')} or newer is needed and this is ${process.versions.node}. The lock file brings Node 24 for Linux on x64 only; on ${process.platform} ${process.arch} please install Node 24.`,
  )
}

if (!(verb in VERBS)) fail(`unknown verb "${verb}"; known: ${Object.keys(VERBS).join(', ')}`)
install()
const separator = process.platform === 'win32' ? ';' : ':'
const node = findNode()
const [script, ...leading] = VERBS[verb]
const child = spawn(node, [join(ROOT, script), ...leading, ...rest], {
  cwd: verb === 'flotilla' ? (process.env.INIT_CWD ?? ROOT) : ROOT,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${BIN}${separator}${process.env.PATH ?? ''}` },
})
child.once('error', error => fail(error.message))
child.once('exit', code => process.exit(code ?? 1))
// Who ends this process means that one. Ctrl-C in a terminal has reached it already, and twice would be in a hurry.
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}
