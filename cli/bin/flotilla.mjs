#!/usr/bin/env node
// Runs on whatever Node is there and imports nothing of ours before it knows that this Node can run it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = dirname(fileURLToPath(import.meta.url))
const AGAIN = 'FLOTILLA_STARTED_AGAIN'

/** Node-API 10 for the store's binary, and types that the runtime strips by itself: Node 22.18 and newer. */
function isCapable() {
  return Number(process.versions.napi ?? 0) >= 10 && Boolean(process.features.typescript)
}

/** The Node of the lock file, in the nearest node_modules above. */
function bundledNode() {
  for (let folder = HERE; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', '.bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(candidate)) return candidate
    if (dirname(folder) === folder) return undefined
  }
}

/**
 * What a hub needs and a build does not. V8 lets the space for new objects grow to what suits a build, which costs a hub
 * over 100 MB: 8 MiB will do; and the heap may grow by three tenths between two collections, where it would double. What
 * work left behind is collected once it is over (src/servers/give-memory-back.ts). The C library keeps what a burst
 * freed, in an arena for each thread: with fewer arenas and a lower threshold it gives most of it back.
 */
const FRUGAL_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=30', '--expose-gc']
const FRUGAL_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '131072',
}

/** They count from a process's start, so it starts itself again in its own place: same id, same parent, same files. */
function startHubFrugally() {
  const verb = process.argv.slice(2).find(word => !word.startsWith('-'))
  const chosen = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some(text => text.includes('semi-space'))
  if (verb !== 'hub' || chosen || typeof process.execve !== 'function' || process.platform === 'win32') return
  const words = [process.execPath, ...process.execArgv, ...FRUGAL_FLAGS, ...process.argv.slice(1)]
  process.execve(process.execPath, words, { ...FRUGAL_ENVIRONMENT, ...process.env })
}

if (isCapable()) {
  delete process.env[AGAIN]
  startHubFrugally()
  // Compiled code is kept between starts (NODE_COMPILE_CACHE says where): a hub starts in half the time. Node never takes
  // anything of it away, so that of a checkout, where files change and move, lies in it and goes with it.
  const checkout = join(HERE, '..', '..')
  module.enableCompileCache?.(existsSync(join(checkout, '.git')) ? join(checkout, '.cache', 'compiled') : undefined)
  const { main } = await import('../src/main.ts')
  // Timers of ours hold nobody up. A command that waits for an answer and then asks again has nothing else meanwhile.
  const atWork = setInterval(() => undefined, 1 << 30)
  await main().finally(() => clearInterval(atWork))
} else {
  const node = process.env[AGAIN] ? undefined : bundledNode()
  if (node === undefined) {
    process.stderr.write(`flotilla: Node 22.18 or newer is needed, Node 24 is best; this is ${process.versions.node}\n`)
    process.exit(1)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, [AGAIN]: '1' },
  })
  child.once('error', error => {
    process.stderr.write(`flotilla: ${node} could not be started: ${error.message}\n`)
    process.exit(1)
  })
  // Who ends this process means that one. Ctrl-C in a terminal has reached it already, and twice would be in a hurry.
  const passedOn = ['SIGTERM', 'SIGHUP', 'SIGINT']
  for (const signal of passedOn) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const each of passedOn) process.removeAllListeners(each)
    process.kill(process.pid, signal)
  })
}
