import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAgent } from '@flotilla/agents/agent'
import { MemoryState } from '@flotilla/agents/state/memory-state'
import { bundleOf, SHOP, TestHub } from '@flotilla/agents/testing/documents'
import type { KubernetesObject } from '@flotilla/core/model/kubernetes-object'
import { printPlan } from '@flotilla/core/plan/print-plan'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import { SimulatedCluster } from '@flotilla/sim/simulated-cluster'
import { expect, test } from 'vitest'

/**
 * Golden stories: commits in their order (`1-first.yaml`, `2-second.yaml`), and for each the plan that the agent makes
 * of it and what it reports afterwards. `UPDATE_GOLDEN=1 npx vitest run test/golden` rewrites `expected.txt`; the
 * review reads the difference.
 */
const STORIES = fileURLToPath(new URL('stories/', import.meta.url))
const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => QUIET }

test.each(readdirSync(STORIES))('%s', async story => {
  const text = await tell(join(STORIES, story))
  const golden = join(STORIES, story, 'expected.txt')
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, text)
  expect(existsSync(golden), `${golden} is missing; UPDATE_GOLDEN=1 writes it`).toBe(true)
  expect(text).toBe(readFileSync(golden, 'utf8'))
})

async function tell(folder: string): Promise<string> {
  const clock = new VirtualClock({ startAt: Date.UTC(2026, 0, 1), settle: () => new Promise(setImmediate) })
  const cluster = new SimulatedCluster({ name: 'eu-1', clock, random: seededRandom(1) })
  const hub = new TestHub(() => clock.now())
  const agent = createAgent({
    name: 'eu-1',
    cluster: cluster.transport(),
    link: hub.link,
    state: new MemoryState(),
    clock,
    random: seededRandom(2),
    log: QUIET,
  })
  await agent.start()
  await clock.advance(1_000)
  const chapters: string[] = []
  for (const file of readdirSync(folder)
    .filter(name => name.endsWith('.yaml'))
    .sort()) {
    const offer = hub.offer(bundleOf(...objectsOf(join(folder, file))))
    hub.link.changed()
    await clock.advance(1_000)
    const plan = printPlan(await agent.plan(SHOP.name))
    hub.grant(offer)
    hub.link.changed()
    await clock.advance(120_000)
    chapters.push(`# ${basename(file, '.yaml')}\n\n${plan}\n\n${reportText(hub.link.latest(SHOP.id))}`)
  }
  const stopped = agent.stop()
  await clock.advance(60_000)
  await stopped
  cluster.stop()
  return `${chapters.join('\n\n')}\n`
}

function objectsOf(file: string): readonly KubernetesObject[] {
  const { documents, broken } = parseYamlDocuments(readFileSync(file, 'utf8'), { file })
  expect(broken).toEqual([])
  return documents.map(({ value }) => value as unknown as KubernetesObject)
}

function reportText(entry: ReportEntry | undefined): string {
  if (!entry) return 'no report'
  const { sync, health, operation, images, objectCount } = entry
  const results = (operation?.results ?? []).map(
    ({ key, outcome, wave }) =>
      `  ${outcome.padEnd(10)}  wave ${wave}  ${[key.group, key.kind].filter(part => part !== '').join('/')} ${key.name}`,
  )
  return [
    `${sync.status}, ${health.status}; ${operation?.phase ?? 'no operation'}: ${operation?.message ?? ''}`,
    ...results,
    `  ${objectCount} objects, images ${images.join(', ')}`,
  ].join('\n')
}
