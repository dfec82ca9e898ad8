import { dump } from 'js-yaml'
import { WEB_FILE } from './one-cluster.ts'

export const OBJECTS = 200
const WAVES = 4

interface Declared {
  readonly metadata: { readonly name: string }
}

/** The Jobs of each sync, by when they run; the third is deleted when the sync has ended. */
export const HOOKS = ['before', 'amid', 'passing', 'after'] as const

/** One Application in one round: two hundred ConfigMaps in waves, with hooks before, among and behind them. */
export function filesOf(round: number): Record<string, string> {
  const objects = [
    hook('before', 'PreSync', round),
    ...configMapsOf(round),
    hook('amid', 'Sync', round, { 'argocd.argoproj.io/sync-wave': '1' }),
    hook('passing', 'PostSync', round, { 'argocd.argoproj.io/hook-delete-policy': 'HookSucceeded' }),
    hook('after', 'PostSync', round),
  ]
  return { [WEB_FILE]: objects.map(each => dump(each)).join('---\n') }
}

function configMapsOf(round: number): readonly Declared[] {
  return Array.from({ length: OBJECTS }, (_, index) => ({
    ...{ apiVersion: 'v1', kind: 'ConfigMap' },
    metadata: {
      name: `o-${index}`,
      annotations: { 'argocd.argoproj.io/sync-wave': String(Math.floor((index * WAVES) / OBJECTS)) },
    },
    data: { round: String(round) },
  }))
}

function hook(name: (typeof HOOKS)[number], phase: string, round: number, more: object = {}): Declared {
  const annotations = { 'argocd.argoproj.io/hook': phase, 'example.com/round': String(round), ...more }
  const template = {
    spec: { restartPolicy: 'Never', containers: [{ name: 'job', image: 'registry.example/job:1' }] },
  }
  const spec = { backoffLimit: 0, template }
  return { ...{ apiVersion: 'batch/v1', kind: 'Job', spec }, metadata: { name, annotations } } as Declared
}
