import { readFileSync } from 'node:fs'
import type { JsonObject } from '@flotilla/core/json/json'
import { messageContext } from '@flotilla/core/notify/message-context'
import { TRIGGERS } from '@flotilla/core/notify/route'
import { describe, expect, it } from 'vitest'

const PAGE = readFileSync(new URL('../../../docs/notifications.md', import.meta.url), 'utf8')
const REVISION = '9f2c5b1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b'

describe('docs/notifications.md', () => {
  it('shows a message as it is', () => {
    const shown = JSON.parse(/```json message\n([\s\S]*?)```/.exec(PAGE)![1]!) as JsonObject
    const [app] = shown['applications'] as unknown as [{ name: string; message: string }]
    const view = {
      ...{ name: app.name, project: 'shop', cluster: 'eu-1', environment: 'prod', namespace: 'shop', set: 'shop' },
      ...{ health: { status: 'Degraded', since: null }, sync: { status: 'Synced' }, revision: REVISION },
    }
    const context = messageContext({
      ...{ kind: 'firing', route: 'shop-oncall', id: '0190b6f0-0000-7000-8000-000000000001', firing: 1, total: 1 },
      trigger: { name: 'on-health-degraded', kind: 'on-health-degraded', forMs: 0 },
      cause: {
        kind: 'commit',
        text: 'commit 9f2c5b1d2e3f of https://git.example.com/shop/deploy.git',
        revision: REVISION,
        repository: 'https://git.example.com/shop/deploy.git',
      },
      openedAt: Date.UTC(2026, 10, 20, 9),
      told: [{ name: app.name, app: view as never, message: app.message }],
      hubUrl: 'https://hub.example.com',
    })
    expect(context).toEqual(shown)
  })

  it('lists every trigger, and none that is gone', () => {
    const listed = [...PAGE.matchAll(/^\| `(on-[a-z-]+)` \|/gm)].map(([, name]) => name!)
    expect(listed.sort()).toEqual([...TRIGGERS].sort())
  })

  it('lists every code of a message that is not delivered', () => {
    const source = readFileSync(new URL('./send-error.ts', import.meta.url), 'utf8')
    const codes = [...source.matchAll(/'(NOTIFY_[A-Z_]+)'/g)].map(([, code]) => code!)
    const listed = [...PAGE.matchAll(/^\| `(NOTIFY_[A-Z_]+)` \|/gm)].map(([, code]) => code!)
    expect(listed.sort()).toEqual([...new Set(codes)].sort())
  })
})
