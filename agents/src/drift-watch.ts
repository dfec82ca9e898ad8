import { type KubernetesObject, keyOf, objectKeyText } from '@flotilla/core/model/kubernetes-object'
import { APPLICATION_LABEL } from '@flotilla/core/plan/tracking'
import type { Log } from '@flotilla/core/ports/log'
import type { KubernetesClient } from './kubernetes/client.ts'
import { type Watch, watchKind } from './kubernetes/watch.ts'

export interface GroupKind {
  readonly group: string
  readonly kind: string
}

interface SeenObject {
  readonly resourceVersion: string
  readonly applicationId: string
}

/** An object as a watch saw it. */
export interface SeenChange {
  /** Key text. */
  readonly name: string
  /** Undefined: it is gone. */
  readonly resourceVersion: string | undefined
}

interface Following {
  readonly watch: Watch
  /** By key text; undefined until the first list. An interruption leaves it: what was missed comes on resuming. */
  seen: Map<string, SeenObject> | undefined
}

/**
 * Follows every kind that Applications use, for objects that bear our label and by their metadata alone: a thousand
 * Pods that are not ours cost nothing. Says which Application has to be looked at again.
 */
export class DriftWatch {
  readonly #client: KubernetesClient
  readonly #log: Log
  readonly #onChange: (applicationId: string, change: SeenChange) => void
  readonly #following = new Map<string, Following>()

  constructor(client: KubernetesClient, log: Log, onChange: (applicationId: string, change: SeenChange) => void) {
    this.#client = client
    this.#log = log
    this.#onChange = onChange
  }

  /** Follows exactly these kinds from now on. Kinds that the cluster cannot watch are passed over. */
  follow(kinds: Iterable<GroupKind>): void {
    const wanted = new Map<string, GroupKind>()
    for (const { group, kind } of kinds) wanted.set(`${group}/${kind}`, { group, kind })
    for (const [name, following] of this.#following) {
      if (wanted.has(name)) continue
      following.watch.stop()
      this.#following.delete(name)
    }
    for (const [name, target] of wanted) if (!this.#following.has(name)) this.#start(name, target)
  }

  /** Whether the object of this key text, as of this version, is what the watch last saw: then it need not be read again. */
  vouchesFor({ group, kind }: GroupKind, name: string, resourceVersion: string | undefined): boolean {
    const seen = this.#following.get(`${group}/${kind}`)?.seen?.get(name)
    return seen !== undefined && seen.resourceVersion === resourceVersion
  }

  isFollowing({ group, kind }: GroupKind): boolean {
    return this.#following.get(`${group}/${kind}`)?.seen !== undefined
  }

  async stop(): Promise<void> {
    const watches = [...this.#following.values()].map(({ watch }) => watch)
    this.#following.clear()
    for (const watch of watches) watch.stop()
    await Promise.all(watches.map(({ ended }) => ended))
  }

  #start(name: string, { group, kind }: GroupKind): void {
    const served = this.#client.discovery.lookup(group, kind)
    if (served && !served.watchable) return
    const target = { group, kind, labelSelector: APPLICATION_LABEL, metadataOnly: true }
    const following: { seen: Following['seen']; watch?: Watch } = { seen: undefined }
    const handler = {
      onList: (objects: readonly KubernetesObject[]) => this.#listed(following, objects),
      onChange: (object: KubernetesObject, change: 'added' | 'modified' | 'deleted') =>
        this.#changed(following, object, change),
    }
    following.watch = watchKind(this.#client, target, handler, this.#log)
    this.#following.set(name, following as Following)
  }

  #listed(following: Pick<Following, 'seen'>, objects: readonly KubernetesObject[]): void {
    const before = following.seen ?? new Map<string, SeenObject>()
    const seen = new Map(objects.map(object => [objectKeyText(keyOf(object)), seenOf(object)]))
    following.seen = seen
    for (const [name, now] of seen) {
      const earlier = before.get(name)
      if (earlier?.resourceVersion !== now.resourceVersion) this.#tell(name, now.resourceVersion, now, earlier)
    }
    for (const [name, earlier] of before) if (!seen.has(name)) this.#tell(name, undefined, earlier, undefined)
  }

  #changed(
    following: Pick<Following, 'seen'>,
    object: KubernetesObject,
    change: 'added' | 'modified' | 'deleted',
  ): void {
    const seen = following.seen
    if (!seen) return
    const name = objectKeyText(keyOf(object))
    const now = seenOf(object)
    const earlier = seen.get(name)
    if (change === 'deleted') seen.delete(name)
    else seen.set(name, now)
    this.#tell(name, change === 'deleted' ? undefined : now.resourceVersion, now, earlier)
  }

  #tell(name: string, resourceVersion: string | undefined, now: SeenObject, earlier: SeenObject | undefined): void {
    this.#onChange(now.applicationId, { name, resourceVersion })
    // The label was changed by hand: its former Application has lost something.
    if (earlier && earlier.applicationId !== now.applicationId) {
      this.#onChange(earlier.applicationId, { name, resourceVersion })
    }
  }
}

function seenOf({ metadata }: KubernetesObject): SeenObject {
  return {
    resourceVersion: metadata.resourceVersion ?? '',
    applicationId: metadata.labels?.[APPLICATION_LABEL] ?? '',
  }
}
