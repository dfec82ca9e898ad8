import { load } from '@flotilla/config'
import type { Clock } from '@flotilla/core/ports/clock'
import type { Random } from '@flotilla/core/ports/random'
import type { Store } from '@flotilla/core/ports/store'
import type { FleetView } from '../../api/fleet-view.ts'
import { sampleMessage } from '../../store/sample-rows.ts'
import { silentLog } from '../../store/test-store.ts'
import { Notifier } from '../notifier.ts'

const ROUTE = `apiVersion: flotilla.dev/v1alpha1
kind: NotificationRoute
metadata: {name: oncall}
spec:
  triggers: [{trigger: on-health-degraded}]
  to: [{name: chat, slack: {webhookUrlRef: {secretName: chat, key: url}}}]
`

/** A notifier with the route `oncall` and one dead message, `message-1`; it looks at nothing by itself. */
export async function notifierOverStore(
  store: Store,
  view: FleetView,
  ports: { readonly clock: Clock; readonly random: Random },
): Promise<Notifier> {
  const { fleet } = load({ source: '', trust: { kind: 'all' }, files: [{ path: 'routes.yaml', text: ROUTE }] })
  const dueAt = ports.clock.now()
  const error = { code: 'NOTIFY_REFUSED', message: 'chat.example.com: answered 404', at: dueAt }
  await store.write(rows =>
    rows.putMessage(sampleMessage({ state: 'dead', target: 'chat', attempts: 1, dueAt, error })),
  )
  const notifier = new Notifier({
    ...{ ...ports, store, view, log: silentLog, fleet: () => fleet },
    hubUrl: () => 'https://hub.example.com',
    send: async () => undefined,
  })
  await notifier.look()
  return notifier
}
