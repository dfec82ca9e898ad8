import { load } from '@flotilla/config/load'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import { createClock } from '@flotilla/core/ports/create-clock'
import { expand } from '@flotilla/generators/expand'
import type { GeneratorInputs } from '@flotilla/generators/inputs'
import { afterEach, describe, expect, test } from 'vitest'
import { createExpandInWorker, type ExpandInWorkerOptions } from './expand-in-worker.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

function worker(options: Partial<ExpandInWorkerOptions> = {}) {
  const created = createExpandInWorker({ clock: createClock(globalThis), ...options })
  open.push(created)
  return created
}

function declared(name: string, template = '{{name}}-web', engine = 'handlebars'): Declared<ApplicationSetSpec> {
  const text = `apiVersion: flotilla.dev/v1alpha1
kind: ApplicationSet
metadata: {name: ${name}}
spec:
  generators:
  - list: {elements: [{name: eu, big: 12345678901234567890}, {name: us, big: 1}]}
  - clusters: {}
  template:
    engine: ${engine}
    metadata: {name: '${template}'}
    spec:
      project: shop
      source: {repoURL: R, path: web}
      destination: {name: '{{name}}'}
`
  const { applicationSets } = load({ source: '', trust: { kind: 'all' }, files: [{ path: 'a.yaml', text }] }).fleet
  return applicationSets[0]!
}

const server = 'https://eu.example.com'
const cluster = { name: 'de', server, servers: [server], local: false, project: '', labels: {}, annotations: {} }
const inputs: GeneratorInputs = { clusters: [cluster], projects: ['shop'], answer: () => undefined }
const none = new Map()

/** Work that is longer than a millisecond. */
const SLOW = `{{#each (split (replace "${'a'.repeat(300)}" "a" "a,") ",")}}{{#each (split (replace "${'a'.repeat(300)}" "a" "a,") ",")}}x{{/each}}{{/each}}`

describe('a set in a thread of its own', () => {
  test('gives what it gives here, with every place and every digit', async () => {
    const set = declared('web')
    const there = await worker().expand(set, inputs, none)
    expect(there.applications.map(({ metadata }) => metadata.name)).toEqual(['eu-web', 'us-web', 'de-web'])
    expect(there).toEqual(expand(set, inputs))
  })
  test('what it asked is heard here', async () => {
    const set = declared('web')
    const git = { repoURL: 'R', revision: 'main', directories: [{ path: '*' }] }
    const heard: string[] = []
    const asking = { ...set, spec: { ...set.spec, generators: [{ git }] } }
    const listening: GeneratorInputs = { ...inputs, answer: ({ kind }) => void heard.push(kind) }
    const there = await worker().expand(asking, listening, none)
    expect(there.needs).toMatchObject([{ kind: 'git-directories', repoURL: 'R' }])
    expect(heard).toEqual(['git-directories'])
  })
  test('its mistakes too', async () => {
    const set = declared('web', '{{nope}}')
    const there = await worker().expand(set, inputs, none)
    expect(there.errors).toHaveLength(2)
    expect(there).toEqual(expand(set, inputs))
  })
  test('is ended when it takes too long, and the next one is not kept from its turn', async () => {
    const { expand: inWorker } = worker({ timeLimitMs: 1 })
    const stopped = await inWorker(declared('slow', SLOW), inputs, none)
    expect(stopped.applications).toEqual([])
    expect(stopped.generators.map(({ status }) => status)).toEqual(['failed', 'failed'])
    expect(stopped.errors).toMatchObject([
      { code: 'TEMPLATE_TIMEOUT', stale: true, position: { file: 'a.yaml', line: 9 } },
    ])
    expect(stopped.errors[0]!.message).toBe('ApplicationSet slow was not expanded: it takes more than 0.001 s')
    const patient = worker()
    const [first, second] = await Promise.all([
      patient.expand(declared('a'), inputs, none),
      patient.expand(declared('b'), inputs, none),
    ])
    expect([first.errors, second.errors]).toEqual([[], []])
    expect(second.applications[0]!.provenance.set).toBe('b')
  })
  test('is ended when it takes too much memory', async () => {
    const { expand: inWorker } = worker({ memoryLimitMb: 8 })
    const elements = Array.from({ length: 20_000 }, (_, index) => ({ name: `a${index}`, text: 'x'.repeat(500) }))
    const set = declared('large')
    const large = { ...set, spec: { ...set.spec, generators: [{ list: { elements } }] } }
    const stopped = await inWorker(large, inputs, none)
    expect(stopped.errors).toMatchObject([{ code: 'TEMPLATE_TIMEOUT', stale: true }])
    const after = await inWorker(declared('small'), inputs, none)
    expect(after.errors.filter(({ code }) => code !== 'TEMPLATE_TIMEOUT')).toEqual([])
  })
  test('closing while it works is an error of the set, and closing twice is nothing', async () => {
    const created = worker()
    const working = created.expand(declared('web', SLOW), inputs, none)
    await created.close()
    await created.close()
    expect((await working).generators.length).toBeGreaterThan(0)
  })
  test('other engines do not go there', async () => {
    const { expand: inWorker } = worker({ timeLimitMs: 0 })
    const plain = await inWorker(declared('web', '{{name}}-web', 'fasttemplate'), inputs, none)
    expect(plain.errors).not.toMatchObject([{ code: 'TEMPLATE_TIMEOUT' }])
  })
})
