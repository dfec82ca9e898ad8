import { createClock } from '@flotilla/core/ports/create-clock'
import { createMetrics } from '@flotilla/hub/metrics'
import { NotifierHarness } from '@flotilla/hub/notify/testing/notifier-harness'
import { StateFigures } from '@flotilla/hub/telemetry/measure-states'
import { openTracing } from '@flotilla/hub/telemetry/tracing'
import type { Figure } from './figure.ts'

const APPLICATIONS = 10_000
const RUNS = 15

/** What a scrape costs in a fleet of 10,000 Applications, and one commit that breaks all of them. */
export async function run(): Promise<Figure[]> {
  const hub = new NotifierHarness()
  for (let n = 0; n < APPLICATIONS; n++) {
    hub.app(`shop-${n}`, { project: `project-${n % 200}`, clusterName: `cluster-${n % 1_000}` })
  }
  const clock = createClock(globalThis)
  const metrics = createMetrics({ process: false })
  // Time stands still for the view, and not for the memory of five seconds: each scrape looks at everything.
  let tick = 0
  const figures = new StateFigures(hub.view, { ...clockOf(hub), monotonicMs: () => tick })
  figures.measure(metrics)
  const scrapes: number[] = []
  let bytes = 0
  for (let n = 0; n < RUNS; n++) {
    tick += 10_000
    const start = clock.monotonicMs()
    bytes = (await metrics.registry.metrics()).length
    scrapes.push(clock.monotonicMs() - start)
  }
  hub.routes(ROUTE)
  await hub.start()
  const start = clock.monotonicMs()
  for (let n = 0; n < APPLICATIONS; n++) hub.health(`shop-${n}`, 'Degraded')
  await hub.pass(60_000)
  const told = clock.monotonicMs() - start
  await hub.notifier.stop()
  const began = clock.monotonicMs()
  await openTracing({ environment: {}, version: '0' })
  const off = clock.monotonicMs() - began
  const name = (what: string) => `monitoring, ${APPLICATIONS} Applications: ${what}`
  return [
    {
      figure: name('a scrape that looks at all'),
      unit: 'ms',
      value: round(median(scrapes)),
      target: '< 100 ms, every 5 s at most',
    },
    { figure: name('size of a scrape'), unit: 'kB', value: round(bytes / 1000), target: 'bounded' },
    { figure: name('one commit breaks all: messages'), unit: 'messages', value: hub.sent.length, target: '1' },
    { figure: name('one commit breaks all: changed, judged, written'), unit: 'ms', value: round(told) },
    { figure: 'monitoring: tracing that is off, at the start', unit: 'ms', value: round(off), target: '< 1 ms' },
  ]
}

const ROUTE = `apiVersion: flotilla.dev/v1alpha1
kind: NotificationRoute
metadata: { name: oncall }
spec:
  triggers: [{ trigger: on-health-degraded }]
  to: [{ slack: { webhookUrlRef: { secretName: s, key: k } } }]
`

function clockOf({ clock }: NotifierHarness) {
  return {
    now: () => clock.now(),
    setTimer: (ms: number, callback: () => void) => clock.setTimer(ms, callback),
    sleep: (ms: number) => clock.sleep(ms),
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
