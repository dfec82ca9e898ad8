import { APPS, CONFIG, cluster, configMap, LoopHarness, project, set } from './loop-harness.ts'

/** Twelve folders, of which the set of {@link FLEET} makes an Application each: enough for every budget to matter. */
export const names = Array.from({ length: 12 }, (_, index) => `app-${String(index).padStart(2, '0')}`)

/** Those folders with this content, or without any. */
export const folders = (which: readonly string[], content: string | null = 'here') =>
  Object.fromEntries(
    which.map(name => [`apps/${name}/cm.json`, content === null ? null : configMap(name, { content })]),
  )

export const applicationsOf = (which: readonly string[]) => which.map(name => `${name}-eu-1`)

export const FLEET = {
  'clusters/eu-1.json': cluster('eu-1'),
  'projects/shop.json': project('shop'),
  'sets/shop.json': set('shop'),
}

/** A hub that has offered all of them to an agent. */
export async function started(config: { readonly [path: string]: string } = FLEET) {
  const hub = new LoopHarness()
  hub.git.commit(CONFIG, config)
  hub.git.commit(APPS, { ...folders(names), 'other/README.md': 'so that the repository is never empty' })
  await hub.start()
  await hub.refresh(APPS)
  const id = await hub.join('eu-1')
  return { hub, id }
}

export const plans = (hub: LoopHarness) => hub.store.read(rows => rows.deletionPlans())
export const waiting = async (hub: LoopHarness) => (await plans(hub)).filter(({ state }) => state === 'held')
export const states = (hub: LoopHarness) =>
  Object.fromEntries(hub.names().map(name => [name, hub.application(name).hold?.code ?? hub.application(name).state]))
