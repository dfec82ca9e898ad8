import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Benchmark, Figure } from './figure.ts'

/**
 * `npm run bench [-- --only apply,git] [--output FILE]`: runs the benchmarks one after the other, each in a process of
 * its own, prints a table, and writes JSON with the machine that the numbers come from. Apart from the tests: a
 * number is no assertion.
 */
/** Begins the line on which a benchmark's process hands over its figures. */
const MARK = 'flotilla-figures '
const HERE = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: { only: { type: 'string' }, output: { type: 'string' }, child: { type: 'string' } },
})

interface Row extends Figure {
  readonly benchmark: string
}

if (values.child !== undefined) {
  const { run } = (await import(join(HERE, `${values.child}.bench.ts`))) as { run: Benchmark }
  const figures = await run()
  process.stdout.write(`\n${MARK}${JSON.stringify(figures)}\n`, () => process.exit(0))
} else {
  const all = readdirSync(HERE)
    .flatMap(file => (file.endsWith('.bench.ts') ? [basename(file, '.bench.ts')] : []))
    .sort()
  const wanted = values.only?.split(',') ?? all
  const unknown = wanted.filter(name => !all.includes(name))
  if (unknown.length > 0) {
    console.error(`no benchmark ${unknown.join(', ')}; there are ${all.join(', ')}`)
    process.exit(2)
  }
  const rows: Row[] = []
  let failed = 0
  for (const benchmark of wanted) {
    console.error(`# ${benchmark}`)
    try {
      const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--child', benchmark], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
        maxBuffer: 64 * 1024 * 1024,
      })
      const line = output.split('\n').find(text => text.startsWith(MARK))
      if (!line) throw new Error('it printed no figures')
      for (const figure of JSON.parse(line.slice(MARK.length)) as Figure[]) rows.push({ benchmark, ...figure })
    } catch (error) {
      failed++
      console.error(`${benchmark} failed: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
    }
  }
  print(rows)
  const file = values.output ?? join(HERE, '..', '..', '.cache', 'bench', 'latest.json')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ machine: machine(), rows }, undefined, 2)}\n`)
  console.error(`written to ${file}`)
  process.exitCode = failed > 0 ? 1 : 0
}

function machine() {
  const [first] = cpus()
  return {
    processor: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
  }
}

function print(rows: readonly Row[]): void {
  const table = rows.map(({ benchmark, figure, value, unit, baseline, baselineOf, target }) => [
    benchmark,
    figure,
    `${format(value)} ${unit}`,
    baseline === undefined
      ? ''
      : `${format(value / baseline)} × ${baselineOf ?? 'baseline'} (${format(baseline)} ${unit})`,
    target ?? '',
  ])
  const header = ['benchmark', 'figure', 'value', 'ratio', 'target']
  const widths = header.map((title, column) => Math.max(title.length, ...table.map(row => row[column]!.length)))
  for (const row of [header, ...table])
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
}

function format(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(2) : value.toPrecision(3)
}
