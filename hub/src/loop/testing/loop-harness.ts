import type { HubSetPolicy } from '@flotilla/core/decide/set-policy'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { type ApplicationRow, StoreError } from '@flotilla/core/ports/store'
import { VirtualClock } from '@flotilla/core/ports/virtual-clock'
import { readJws } from '@flotilla/core/protocol/jws'
import type { ReportEntry } from '@flotilla/core/protocol/report'
import { MemoryBundles } from '../../bundle/memory-bundles.ts'
import { type Expand, expandHere } from '../../expand/expand-in-worker.ts'
import type { GateSettings } from '../../gates/rules-in-force.ts'
import { hubKeysOf, newHubKeyFile, signingThrough } from '../../gateway/hub-keys.ts'
import { noHosts } from '../../hosts/testing/no-hosts.ts'
import { directoryRenderer } from '../../render/directory-renderer.ts'
import { SourceIntegrity } from '../../signature/source-integrity.ts'
import { MemoryGit } from '../../source/git/memory-backend.ts'
import { RepositoryMirrors } from '../../source/mirror.ts'
import { MirroredRepositories } from '../../source/repositories.ts'
import { MemoryStore } from '../../store/memory-store.ts'
import type { ConfigSource } from '../config-sources.ts'
import { Loop } from '../loop.ts'
import type { HostedInputs } from '../services.ts'

export const CONFIG = 'https://git.example.com/fleet.git'
export const APPS = 'https://git.example.com/apps.git'

const SOURCE: ConfigSource = {
  name: 'platform',
  repository: CONFIG,
  revision: 'main',
  path: '',
  trust: { kind: 'all' },
}

/** The loop on the real parts, in memory and on a virtual clock; Git and the agents are played by the test. */
export class LoopHarness {
  readonly clock = new VirtualClock({
    startAt: 1_800_000_000_000,
    settle: () => new Promise(resolve => setImmediate(resolve)),
  })
  readonly random = seededRandom(1)
  readonly git = new MemoryGit(this.clock)
  /** While it says so, no write of the store is committed. */
  refuseCommit: (rows: number) => boolean = () => false
  readonly store = new MemoryStore({
    beforeCommit: rows => {
      if (!this.refuseCommit(rows)) return
      throw new StoreError('STORE_FULL', 'memory store', 'no space is left', { retry: true })
    },
  })
  readonly bundles = new MemoryBundles(() => this.clock.now())
  readonly keys = hubKeysOf(newHubKeyFile(this.random, this.clock.now(), '01890000-0000-7000-8000-00000000aaaa'))
  /** What Git hosts and plugins say; replaced before the start, or while the loop runs. */
  hosted: HostedInputs = noHosts
  /** How sets are expanded; replaced before the start, or while the loop runs. */
  expand: Expand = expandHere
  /** Of the hub's settings; replaced before the start. */
  setPolicy: HubSetPolicy | undefined
  /** What the settings say of gates; replaced before the start. */
  gates: GateSettings | undefined
  /** Why the hub must suspect its clock. */
  clockDoubt: string | undefined
  /** Whether the store may be trusted; changed while the loop runs. */
  doubts = { behind: false, unacknowledged: false }
  readonly complaints: string[] = []
  /** Cluster ids, in the order in which agents were told that there is something new. */
  readonly told: string[] = []
  renders = 0
  signatures = 0
  mirrors: RepositoryMirrors
  loop: Loop
  #sources: readonly ConfigSource[]
  readonly #records = new Map<string, { readonly fetchedAt: number }>()

  constructor(sources: readonly ConfigSource[] = [SOURCE]) {
    this.#sources = sources
    this.mirrors = this.#newMirrors()
    this.loop = this.#newLoop()
  }

  /** The process ends and begins again over the same store; its mirrors have to be fetched again, unless they are kept. */
  async restart(sources = this.#sources, mirrors: 'lost' | 'kept' = 'lost'): Promise<void> {
    await this.loop.stop()
    if (mirrors === 'lost') this.#records.clear()
    this.#sources = sources
    this.mirrors = this.#newMirrors()
    this.loop = this.#newLoop()
    await this.start()
  }

  async start(): Promise<void> {
    await this.loop.start()
    await this.loop.idle()
  }

  /** A push that a webhook announces. */
  async push(url: string, changes: { readonly [path: string]: string | null }): Promise<void> {
    this.git.commit(url, changes)
    this.loop.refreshRepository(url)
    await this.loop.idle()
  }

  async refresh(url: string): Promise<void> {
    this.loop.refreshRepository(url)
    await this.loop.idle()
  }

  /** An agent enrols under this Cluster's name. */
  async join(clusterName: string): Promise<string> {
    const row = await this.store.write(async writer => {
      const known = await writer.clusterByName(clusterName)
      if (!known) throw new Error(`no Cluster "${clusterName}"`)
      const joined = {
        ...known,
        admission: known.admission + 1,
        agentKey: 'key',
        revokedAt: undefined,
        joinedAt: this.clock.now(),
      }
      await writer.putCluster(joined)
      return joined
    })
    this.loop.connected(clusterName)
    await this.loop.idle()
    return row.id
  }

  /** The agent of an Application reports. */
  async report(name: string, change: Partial<ReportEntry>): Promise<void> {
    const row = this.application(name)
    const before = (await this.store.read(rows => rows.report(row.id)))?.entry
    const document = await this.store.read(rows => rows.document(row.clusterId!, `application/${row.id}`))
    const entry: ReportEntry = {
      document: document?.number,
      application: row.id,
      inc: 1,
      n: (before?.n ?? 0) + 1,
      gone: false,
      held: row.digest,
      sync: { status: 'Synced' },
      health: { status: 'Healthy', since: this.clock.now() },
      objects: [],
      objectsCut: 0,
      objectCount: 1,
      images: [],
      observedAt: this.clock.now(),
      ...change,
    }
    await this.store.write(async writer => {
      await writer.putReport({
        applicationId: row.id,
        clusterId: row.clusterId!,
        admission: (await writer.cluster(row.clusterId!))?.admission ?? 0,
        entry,
        hash: `sha256:${'0'.repeat(64)}`,
        receivedAt: this.clock.now(),
      })
      if (entry.operation) {
        await writer.putOperation({
          id: entry.operation.id,
          applicationId: row.id,
          clusterId: row.clusterId!,
          operation: entry.operation,
        })
      }
      for (const grant of await writer.openGrants(row.clusterId!)) {
        if (grant.applicationId === row.id) await writer.putGrant({ ...grant, state: 'started' })
      }
    })
    this.loop.reported([row.id])
    await this.loop.idle()
  }

  /** The agent answers every open Grant of an Application. */
  async settle(name: string, state: 'started' | 'refused' | 'lapsed'): Promise<void> {
    const row = this.application(name)
    await this.store.write(async writer => {
      for (const grant of await writer.openGrants(row.clusterId!)) {
        if (grant.applicationId === row.id) await writer.putGrant({ ...grant, state })
      }
    })
    this.loop.reported([row.id])
    await this.loop.idle()
  }

  application(name: string): ApplicationRow {
    const row = this.loop.world.applicationNamed(name)
    if (!row) throw new Error(`no Application "${name}"`)
    return row
  }

  names(): readonly string[] {
    return [...this.loop.world.applications()].map(({ name }) => name).sort()
  }

  /** The current documents of a cluster, as payloads without number and time. */
  async documents(clusterId: string): Promise<readonly object[]> {
    const rows = await this.store.read(reader => reader.documents(clusterId))
    return rows.map(({ jws }) => {
      const read = readJws(jws)
      if (read.kind !== 'unverified') throw new Error('not a JWS')
      return read.payload as object
    })
  }

  async grants(clusterId: string) {
    const rows = await this.store.read(reader => reader.openGrants(clusterId))
    return rows.map(({ payload }) => payload)
  }

  #newMirrors(): RepositoryMirrors {
    return new RepositoryMirrors({
      dataDirectory: '/nowhere',
      backendFor: () => this.git,
      clock: this.clock,
      random: this.random,
      log: this.#log(),
      records: {
        read: async folder => this.#records.get(folder),
        write: async (folder, record) => void this.#records.set(folder, record),
      },
    })
  }

  #newLoop(): Loop {
    const renderer = directoryRenderer()
    const counted: typeof renderer = {
      inputKey: input => renderer.inputKey(input),
      render: input => {
        this.renders++
        return renderer.render(input)
      },
    }
    return new Loop(
      {
        store: this.store,
        bundles: this.bundles,
        renderer: counted,
        repositories: new MirroredRepositories(this.mirrors),
        hosted: {
          answer: (request, reader) => this.hosted.answer(request, reader),
          reads: (reader, requests, refreshMs) => this.hosted.reads?.(reader, requests, refreshMs),
        },
        expand: (set, inputs, answers) => this.expand(set, inputs, answers),
        setPolicy: this.setPolicy,
        signatures: new SourceIntegrity(this.clock),
        gates: this.gates,
        clockDoubt: () => this.clockDoubt,
        recovery: this.doubts,
        keys: signingThrough(this.keys, (typ, payload) => {
          this.signatures++
          return this.keys.sign(typ, payload)
        }),
        clock: this.clock,
        random: this.random,
        log: this.#log(),
        removalGraceMs: 600_000,
        announce: {
          applications: () => undefined,
          sets: () => undefined,
          sources: () => undefined,
          clusters: () => undefined,
          documents: ids => this.told.push(...ids),
        },
      },
      this.#sources,
    )
  }

  #log(): Log {
    const complain = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      const { error, ...rest } = fields ?? {}
      this.complaints.push(`${message} ${JSON.stringify(rest)} ${error instanceof Error ? error.stack : ''}`)
    }
    const log: Log = { debug() {}, info() {}, warn: complain, error: complain, child: () => log }
    return log
  }
}

export function cluster(name: string, labels: { readonly [key: string]: string } = {}): string {
  return document('Cluster', name, {}, { labels })
}

export function project(name: string): string {
  return document('Project', name, {
    sourceRepos: ['*'],
    destinations: [{ name: '*', namespace: '*' }],
    clusterResourceWhitelist: [{ group: '*', kind: '*' }],
  })
}

/** A set that makes one Application of each folder `apps/<app>` for each cluster of a list. */
export function set(
  name: string,
  change: {
    readonly apps?: readonly object[]
    readonly clusters?: readonly string[]
    readonly automated?: object | null
  } = {},
): string {
  const elements = (change.clusters ?? ['eu-1']).map(each => ({ cluster: each }))
  return document('ApplicationSet', name, {
    generators: [
      {
        matrix: {
          generators: [
            { git: { repoURL: APPS, revision: 'main', directories: [{ path: 'apps/*' }] } },
            { list: { elements } },
          ],
        },
      },
    ],
    template: {
      metadata: { name: '{{path.basename}}-{{cluster}}' },
      spec: {
        project: 'shop',
        source: { repoURL: APPS, targetRevision: 'main', path: '{{path}}' },
        destination: { name: '{{cluster}}', namespace: 'shop' },
        ...(change.automated === null
          ? {}
          : { syncPolicy: { automated: change.automated ?? { prune: true, selfHeal: true } } }),
      },
    },
  })
}

/** An Application written by hand. */
export function application(name: string, repoURL: string, path: string, change: object = {}): string {
  return document('Application', name, {
    project: 'shop',
    source: { repoURL, targetRevision: 'main', path },
    destination: { name: 'eu-1', namespace: 'shop' },
    syncPolicy: { automated: { prune: true, selfHeal: true } },
    ...change,
  })
}

export function configMap(name: string, data: { readonly [key: string]: string }): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })
}

function document(kind: string, name: string, spec: object, metadata: object = {}): string {
  return JSON.stringify({ apiVersion: 'flotilla.dev/v1alpha1', kind, metadata: { name, ...metadata }, spec })
}
