import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type ControlPlane, controlPlaneAvailability, startControlPlane } from '@flotilla/controlplane'
import type { Json, JsonObject } from '@flotilla/core/json/json'
import { parseJson } from '@flotilla/core/json/parse-json'
import { textAt } from '@flotilla/core/json/read-json'
import type { ClusterTransport } from '@flotilla/core/ports/cluster-transport'
import { readJws } from '@flotilla/core/protocol/jws'
import { dump } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TemporaryFolder, temporaryFolder } from './support/folder.ts'
import { HubUnderTest } from './support/hub-under-test.ts'
import { endAll, run, start } from './support/processes.ts'
import { SmallFleet } from './support/small-fleet.ts'
import { until } from './support/until.ts'

const availability = await controlPlaneAvailability()
const HOUR_MS = 3_600_000
/** The agent looks several times in this, and corrects drift within a second where it may. */
const LONG_ENOUGH_MS = 6_000
/** Before the freeze begins, its agent is cut off and corrects drift once more. */
const EARLY_ENOUGH_MS = 20_000
const SHIFT = pathToFileURL(new URL('./support/shifted-clock.mjs', import.meta.url).pathname).href

describe.skipIf(availability.kind === 'unavailable')('an agent that is cut off when a freeze begins', () => {
  let folder: TemporaryFolder
  let plane: ControlPlane
  let cluster: ClusterTransport
  let fleet: SmallFleet
  let hub: HubUnderTest
  /** When the freeze begins; it lasts half an hour. */
  let begins = 0
  let attempt = 0
  const clockFile = () => join(folder.path, 'clock')

  beforeAll(async () => {
    folder = await temporaryFolder()
    const [started, made] = await Promise.all([
      startControlPlane(),
      SmallFleet.create(join(folder.path, 'repo'), ['real-1'], ['web']),
    ])
    plane = started
    fleet = made
    cluster = plane.transport()
    writeFileSync(clockFile(), '0')
    hub = new HubUnderTest({ data: join(folder.path, 'hub'), repository: fleet.directory })
    await hub.start()
  })
  afterAll(async () => {
    await hub?.close()
    await endAll()
    await cluster?.close()
    await plane?.stop()
    await folder?.remove()
  })

  const path = '/api/v1/namespaces/shop/configmaps/web'

  async function ask(method: 'GET' | 'PATCH', body?: Json): Promise<JsonObject> {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/merge-patch+json' }
    const query = method === 'PATCH' ? '?fieldManager=kubectl-edit' : ''
    const request = {
      method,
      path: `${path}${query}`,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }
    const response = await cluster.request(request)
    let text = ''
    for await (const chunk of response.body) text += Buffer.from(chunk).toString('utf8')
    expect(response.status, text).toBe(200)
    return parseJson(text) as JsonObject
  }

  const value = async () => textAt(await ask('GET'), 'data', 'value')
  const drift = async (to: string) => void (await ask('PATCH', { data: { value: to } }))

  function freeze(): string {
    const instant = (at: number): string => new Date(at).toISOString().slice(0, 19).concat('Z')
    return dump({
      apiVersion: 'flotilla.dev/v1alpha1',
      kind: 'FreezePeriod',
      metadata: { name: `cut-off-${attempt}` },
      spec: {
        level: 'hard',
        reason: 'nothing changes',
        scope: { all: true },
        when: [{ from: instant(begins), until: instant(begins + HOUR_MS / 2) }],
      },
    })
  }

  /** Whether what the agent keeps of its calendar names the freeze. */
  function agentKnowsFreeze(directory: string): boolean {
    return readdirSync(directory, { recursive: true, withFileTypes: true }).some(entry => {
      if (!entry.isFile()) return false
      const read = readJws(readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      return read.kind === 'unverified' && JSON.stringify(read.payload).includes(`FreezePeriod/cut-off-${attempt}@`)
    })
  }

  async function staysDrifted(as: string): Promise<void> {
    await sleep(LONG_ENOUGH_MS)
    expect(await value()).toBe(as)
  }

  test('goes on correcting drift without its hub until that moment', async () => {
    await until('the Cluster is known', async () => (await hub.clusters()).length === 1)
    const made = await run(['cluster', 'join-token', '--cluster', 'real-1'], { env: hub.clientEnvironment })
    expect(made.code, made.stderr).toBe(0)
    const data = join(folder.path, 'agent')
    const env = { NODE_OPTIONS: `--import ${SHIFT}`, SHIFTED_CLOCK_FILE: clockFile() }
    const access = ['--kubeconfig', plane.kubeconfigPath, '--data-directory', data]
    start(['agent', '--name', 'real-1', '--join-token', made.stdout.trim(), ...access], { env })
    await hub.settled(1)
    // On a machine with much else to do the freeze may be there before its agent has heard of it, or has corrected
    // anything without its hub: then another one, further ahead.
    for (let ahead = 30_000; !(await isCorrectedInTime(data, ahead)); ahead *= 2) {
      if (!hub.process.isRunning()) await hub.start()
    }
  })

  /** A freeze begins so far ahead, the hub is gone before it does, and drift is corrected in between. */
  async function isCorrectedInTime(data: string, ahead: number): Promise<boolean> {
    expect(ahead, 'a freeze that is far enough ahead').toBeLessThan(HOUR_MS / 12)
    attempt++
    begins = Math.ceil(Date.now() / 1000) * 1000 + ahead
    await fleet.commit({ 'fleet/freeze.yaml': freeze() })
    await hub.push()
    await until('the agent knows of the freeze', () => agentKnowsFreeze(data))
    if (begins - Date.now() < EARLY_ENOUGH_MS) return false
    await hub.kill()
    await drift('before')
    const isCorrected = async () => (await value()) === 'one'
    await until(
      'the drift is corrected, or the freeze begins',
      async () => (await isCorrected()) || begins <= Date.now(),
    )
    return Date.now() < begins && (await isCorrected())
  }

  test('stops at the boundary, with nobody to tell it', async () => {
    await sleep(Math.max(0, begins + 500 - Date.now()))
    await drift('frozen')
    await staysDrifted('frozen')
  })

  test.each([
    ['an hour ahead, when the freeze would be over', HOUR_MS],
    ['an hour back, before it would begin', -HOUR_MS],
  ])('whatever its machine’s clock says: %s', async (_, offset) => {
    writeFileSync(clockFile(), String(offset))
    await drift('still frozen')
    await staysDrifted('still frozen')
  })

  test('holds on when its hub is back, and lets go when the freeze is taken back', async () => {
    await hub.start()
    await fleet.say('web', 'real-1', 'two')
    await hub.push()
    await until('the change is held', async () => {
      const [application] = await hub.applications()
      return textAt(application?.['hold'] ?? null, 'code') === 'FROZEN'
    })
    await staysDrifted('still frozen')
    await fleet.commit({ 'fleet/freeze.yaml': undefined })
    await hub.push()
    await until('the change has arrived', async () => (await value()) === 'two')
    await hub.settled(1)
  })
})
