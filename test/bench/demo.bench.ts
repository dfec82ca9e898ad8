import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark } from './figure.ts'
import { COMMAND } from './parts/hub-child.ts'

const ROUNDS = 5

interface Summary {
  readonly clusters: number
  readonly applications: number
  readonly complete: boolean
  readonly elapsedMs: number
}

/** The demo on a second start: the first has made the repository, every later one starts hub, clusters and agents. */
export const run: Benchmark = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-bench-demo-'))
  try {
    const first = await demo(directory)
    const rounds: { readonly wholeMs: number; readonly summary: Summary }[] = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await demo(directory))
    const nothing = await start(['version'])
    const { clusters, applications } = first.summary
    return [
      {
        figure: `demo, second start → all ${applications} Applications on ${clusters} clusters Synced`,
        unit: 's',
        value: seconds(median(rounds.map(({ summary }) => summary.elapsedMs))),
        target: '< 15',
      },
      {
        figure: 'its whole process, from start to end',
        unit: 's',
        value: seconds(median(rounds.map(({ wholeMs }) => wholeMs))),
        baseline: seconds(nothing.wholeMs),
        baselineOf: 'flotilla version',
        target: '< 15',
      },
      { figure: 'the very first start', unit: 's', value: seconds(first.wholeMs) },
    ]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function demo(directory: string): Promise<{ readonly wholeMs: number; readonly summary: Summary }> {
  const { output, wholeMs } = await start(['demo', '--once', '--directory', directory, '-o', 'json'])
  const summary = JSON.parse(output) as Summary
  if (!summary.complete) throw new Error(`the demo did not get everything Synced: ${output}`)
  return { wholeMs, summary }
}

function start(words: readonly string[]): Promise<{ readonly output: string; readonly wholeMs: number }> {
  const from = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.once('error', reject)
    child.once('close', code => {
      if (code === 0) resolve({ output, wholeMs: performance.now() - from })
      else reject(new Error(`flotilla ${words.join(' ')} ended with ${code}`))
    })
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10
}
