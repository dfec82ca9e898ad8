import type { JsonObject } from '@flotilla/core/json/json'
import type { OperationReport } from '@flotilla/core/protocol/report'
import { MOST_LOG_BYTES } from '@flotilla/core/sync/hook-log'
import { DEFAULT_RUN } from '@flotilla/core/sync/run-options'
import { describe, expect, it } from 'vitest'
import { type AgentBench, startBench } from './testing/agent-bench.ts'
import { bundleOf, configMap, object } from './testing/documents.ts'

const TOKEN = object('v1', 'Secret', 'key', { stringData: { token: 'correct-horse' } })

function hook(name: string, log: string, over: { readonly pod?: JsonObject; readonly metadata?: JsonObject } = {}) {
  const annotations = { 'sim/outcome': 'fail', 'sim/run-for': '2s', 'sim/log': log, ...over.pod }
  const template = {
    metadata: { annotations },
    spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
  }
  const metadata = { annotations: { 'argocd.argoproj.io/hook': 'PreSync', ...over.metadata } }
  return object('batch/v1', 'Job', name, { metadata, spec: { backoffLimit: 0, template } })
}

async function failed(bench: AgentBench): Promise<OperationReport> {
  await bench.pass(20_000)
  expect(bench.report.operation).toMatchObject({ phase: 'Failed' })
  return bench.report.operation!
}

const logOf = ({ results }: OperationReport, name: string) => results.find(({ key }) => key.name === name)?.log

describe('a hook that fails', () => {
  it('leaves why its container ended and what it printed last, without values of Secrets', async () => {
    const bench = await startBench()
    const log = 'connecting with correct-horse\nno such table: orders'
    const goes = { 'argocd.argoproj.io/hook-delete-policy': 'HookFailed' }
    bench.hub.sync(bundleOf(configMap('a'), TOKEN, hook('migrate', log, { metadata: goes })))
    const operation = await failed(bench)
    expect(bench.read('Job', 'migrate', 'batch')).toBeUndefined()
    expect(logOf(operation, 'migrate')).toEqual({
      pod: expect.stringMatching(/^migrate-/),
      container: 'job',
      reason: 'Error',
      exitCode: 1,
      text: 'connecting with ***\nno such table: orders',
      cut: false,
    })
    expect(JSON.stringify(bench.hub.link.reports)).not.toContain('correct-horse')
  })

  it('leaves the same whatever process went on with its operation', async () => {
    const bench = await startBench()
    bench.hub.sync(bundleOf(configMap('a'), hook('migrate', 'no such table', { pod: { 'sim/run-for': '10s' } })))
    await bench.pass(3_000)
    await bench.stop()
    await bench.pass(10_000)
    await bench.start()
    expect(logOf(await failed(bench), 'migrate')).toMatchObject({ text: 'no such table' })
    await bench.stop()
    await bench.start()
    expect(logOf(await failed(bench), 'migrate')).toMatchObject({ text: 'no such table' })
  })

  it('leaves the end of a long log, and no more of all logs together than a record can hold', async () => {
    const bench = await startBench()
    const long = Array.from({ length: 1_500 }, (_, index) => `${index} ${'é'.repeat(40)}`).join('\n')
    const names = ['one', 'two', 'three']
    bench.hub.sync(bundleOf(configMap('a'), ...names.map(name => hook(name, long))))
    const operation = await failed(bench)
    const logs = names.map(name => logOf(operation, name)!)
    for (const { text, cut } of logs) expect([cut, text.split('\n').at(-1)]).toEqual([true, `1499 ${'é'.repeat(40)}`])
    const bytes = logs.map(({ text }) => Buffer.byteLength(text)).sort((a, b) => b - a)
    expect(bytes[0]).toBeGreaterThan(MOST_LOG_BYTES * 0.99)
    expect(bytes[0]).toBeLessThanOrEqual(MOST_LOG_BYTES)
    expect(bytes[2]).toBeLessThanOrEqual(4096)
  })

  it('ends the operation all the same where its log cannot be read, and says why', async () => {
    const bench = await startBench()
    bench.between = async (request, pass) => {
      if (!request.path.includes('/log?')) return pass(request)
      const message = 'dial tcp 10.0.0.1:10250: connection refused'
      const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'InternalError', code: 400, message }
      const bytes = async function* () {
        yield Buffer.from(JSON.stringify(body))
      }
      return { status: 400, headers: { 'content-type': 'application/json' }, body: bytes() }
    }
    bench.hub.sync(bundleOf(configMap('a'), hook('migrate', 'unread')))
    const log = logOf(await failed(bench), 'migrate')
    expect(log).toMatchObject({ reason: 'Error', text: '', note: expect.stringContaining('connection refused') })
  })

  it('is not waited for when its kubelet never answers', async () => {
    const bench = await startBench()
    bench.between = (request, pass) => (request.path.includes('/log?') ? forever(request.signal) : pass(request))
    bench.hub.sync(bundleOf(configMap('a'), hook('migrate', 'unread')))
    const log = logOf(await failed(bench), 'migrate')
    expect(log).toMatchObject({ text: '', note: expect.stringContaining('cannot be read') })
  })

  it('shows its last log while the operation waits for another attempt, and none once it succeeded', async () => {
    const bench = await startBench()
    const retry = { ...DEFAULT_RUN.retry, limit: 2, firstDelayMs: 60_000 }
    bench.hub.sync(bundleOf(configMap('a'), hook('migrate', 'not yet')), { run: { retry } })
    await bench.pass(10_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Running', message: expect.stringContaining('Retrying') })
    expect(logOf(bench.report.operation!, 'migrate')).toMatchObject({ text: 'not yet' })
    bench.between = async (request, pass) => {
      if (request.method !== 'PATCH' || !request.path.includes('/jobs/migrate')) return pass(request)
      return pass({ ...request, body: request.body!.replace('"sim/outcome":"fail",', '') })
    }
    await bench.pass(90_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Succeeded', attempts: 2 })
    expect(logOf(bench.report.operation!, 'migrate')).toBeUndefined()
  })
})

describe('a hook of a removal that fails', () => {
  it('leaves its log without values of the Secrets that are there', async () => {
    const bench = await startBench()
    const before = hook('drain', 'bye correct-horse', { metadata: { 'argocd.argoproj.io/hook': 'PreDelete' } })
    bench.hub.sync(bundleOf(configMap('a'), TOKEN, before))
    await bench.pass(5_000)
    bench.hub.grant(bench.hub.tombstone())
    bench.hub.link.changed()
    await bench.pass(10_000)
    expect(logOf(bench.report.operation!, 'drain')).toMatchObject({ text: 'bye ***' })
  })

  it('leaves only why it ended where Secrets are gone that its log may quote', async () => {
    const bench = await startBench()
    const after = hook('sweep', 'bye correct-horse', { metadata: { 'argocd.argoproj.io/hook': 'PostDelete' } })
    bench.hub.sync(bundleOf(configMap('a'), TOKEN, after))
    await bench.pass(5_000)
    bench.hub.grant(bench.hub.tombstone())
    bench.hub.link.changed()
    await bench.pass(15_000)
    expect(logOf(bench.report.operation!, 'sweep')).toMatchObject({ reason: 'Error', exitCode: 1, text: '' })
    expect(JSON.stringify(bench.hub.link.reports)).not.toContain('correct-horse')
  })
})

async function forever(signal: AbortSignal | undefined): Promise<never> {
  return await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}

describe('a hook that still runs when its operation is ended', () => {
  const HANGS = { 'sim/outcome': 'succeed', 'sim/run-for': '10h' }

  it('leaves what it printed so far at the time-out of the operation, before it goes', async () => {
    const bench = await startBench()
    const log = 'waiting for correct-horse'
    bench.hub.sync(bundleOf(configMap('a'), TOKEN, hook('migrate', log, { pod: HANGS })), {
      run: { timeoutMs: 60_000 },
    })
    await bench.pass(30_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Running' })
    await bench.pass(90_000)
    const { operation } = bench.report
    expect(operation).toMatchObject({ phase: 'Failed', message: expect.stringContaining('time-out of 1 min') })
    expect(bench.read('Job', 'migrate', 'batch')).toBeUndefined()
    expect(operation?.results.find(({ key }) => key.name === 'migrate')).toMatchObject({
      hook: 'Running',
      message: 'was still running when the operation was ended',
      log: { pod: expect.stringMatching(/^migrate-/), container: 'job', text: 'waiting for ***', cut: false },
    })
    expect(JSON.stringify(bench.hub.link.reports)).not.toContain('correct-horse')
  })

  it('leaves it, too, when somebody ends the operation, and once', async () => {
    const bench = await startBench()
    const grant = bench.hub.sync(bundleOf(configMap('a'), hook('migrate', 'waiting for a lock', { pod: HANGS })))
    await bench.pass(10_000)
    let read = 0
    bench.between = (request, pass) => {
      if (request.path.includes('/log?')) read++
      return pass(request)
    }
    bench.hub.link.openCommands.push({
      ...{ cluster: 'c', adm: 1, iat: bench.clock.now(), must: [], typ: 'command', id: 'end-it' },
      ...{ application: grant.application, by: 'ana', expires: bench.clock.now() + 60_000 },
      action: { verb: 'terminate', operation: grant.id },
    })
    bench.hub.link.changed()
    await bench.pass(20_000)
    const { operation } = bench.report
    expect(operation).toMatchObject({ phase: 'Failed', terminatedBy: expect.any(String) })
    expect(logOf(operation!, 'migrate')).toMatchObject({ text: 'waiting for a lock' })
    expect(read).toBe(1)
  })

  it('is ended all the same where its kubelet never answers', async () => {
    const bench = await startBench()
    bench.between = (request, pass) => (request.path.includes('/log?') ? forever(request.signal) : pass(request))
    bench.hub.sync(bundleOf(configMap('a'), hook('migrate', 'unread', { pod: HANGS })), { run: { timeoutMs: 60_000 } })
    await bench.pass(120_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Failed' })
    expect(bench.read('Job', 'migrate', 'batch')).toBeUndefined()
    expect(logOf(bench.report.operation!, 'migrate')).toMatchObject({ note: expect.stringContaining('cannot be read') })
  })

  it('keeps nobody waiting however many hooks are on a kubelet that never answers', async () => {
    const bench = await startBench()
    bench.between = (request, pass) => (request.path.includes('/log?') ? forever(request.signal) : pass(request))
    const hooks = Array.from({ length: 8 }, (_, index) => hook(`migrate-${index}`, 'unread', { pod: HANGS }))
    const grant = bench.hub.sync(bundleOf(configMap('a'), ...hooks))
    await bench.pass(10_000)
    bench.hub.link.openCommands.push({
      ...{ cluster: 'c', adm: 1, iat: bench.clock.now(), must: [], typ: 'command', id: 'end-it' },
      ...{ application: grant.application, by: 'ana', expires: bench.clock.now() + 60_000 },
      action: { verb: 'terminate', operation: grant.id },
    })
    bench.hub.link.changed()
    await bench.pass(35_000)
    expect(bench.report.operation).toMatchObject({ phase: 'Failed' })
  })
})
