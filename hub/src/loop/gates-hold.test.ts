import { describe, expect, it } from 'vitest'
import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './testing/loop-harness.ts'

const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}

const document = (kind: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'flotilla.dev/v1alpha1', kind, metadata: { name: 'one' }, spec })

const PAST = { from: '2001-01-01', through: '2001-01-02' }
const freeze = document('FreezePeriod', { level: 'soft', reason: 'past', scope: { all: true }, when: [PAST] })
const window = { kind: 'allow', schedule: '* * * * *', duration: '1h' }

describe('nothing starts under a gate that is read and not enforced', () => {
  it.each<[string, { readonly [path: string]: string }]>([
    ['a FreezePeriod, even one that is over', { 'gates.json': freeze }],
    ['a FreezePeriod for others', { 'gates.json': freeze.replace('"all":true', '"projects":["bank"]') }],
    ['a FreezePeriod with mistakes', { 'gates.json': freeze.replace('2001-01-02', '2000-01-02') }],
    ['a SyncWindow that is open', { 'gates.json': document('SyncWindow', { ...window, scope: { all: true } }) }],
    [
      'an open window of the Project',
      {
        'projects/shop.json': project('shop').replace(
          '"spec":{',
          `"spec":{"syncWindows":[${JSON.stringify({ ...window, applications: ['*'] })}],`,
        ),
      },
    ],
  ])('%s', async (_, gates) => {
    const hub = new LoopHarness()
    hub.git.commit(CONFIG, { ...FLEET, ...gates })
    hub.git.commit(APPS, { 'apps/web/cm.json': configMap('web', { greeting: 'hello' }) })
    await hub.start()
    await hub.refresh(APPS)
    const id = await hub.join('eu-1')
    expect(hub.application('web-eu-1').hold?.code).toBe('UNSUPPORTED_GATE')
    expect(await hub.grants(id)).toEqual([])
    expect(JSON.stringify(await hub.documents(id))).not.toContain('"offer"')
  })
})
