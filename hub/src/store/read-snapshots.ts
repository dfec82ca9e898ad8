import type { Database } from 'better-sqlite3'
import { sqlOver } from './sqlite-dialect.ts'
import type { StoreSql } from './store-sql.ts'

interface ReadConnection {
  readonly connection: Database
  readonly sql: StoreSql
  users: number
  /** How many commits its snapshot has seen. */
  commits: number
}

/** More would be reads that outlast eight commits each; they wait instead. */
const MOST_CONNECTIONS = 8

/**
 * Read-only connections, each holding one snapshot while it is used. Reads that begin between the same two commits
 * share one; a read that begins after a commit gets a newer snapshot even while older reads go on, so reads may be
 * nested and none sees a change half.
 */
export class ReadSnapshots {
  private readonly open: () => Database
  private readonly connections: ReadConnection[] = []
  private readonly waiting: (() => void)[] = []
  private commits = 0

  constructor(open: () => Database) {
    this.open = open
  }

  /** To be called after each commit of the writer, in the same turn. */
  committed(): void {
    this.commits += 1
  }

  async use<T>(work: (sql: StoreSql) => Promise<T>): Promise<T> {
    let connection = this.acquire()
    while (connection === undefined) {
      await new Promise<void>(resolve => this.waiting.push(resolve))
      connection = this.acquire()
    }
    try {
      return await work(connection.sql)
    } finally {
      this.release(connection)
    }
  }

  /** Waits for the reads that run, then closes. The owner has to refuse new ones first. */
  async close(): Promise<void> {
    while (this.connections.some(({ users }) => users > 0)) {
      await new Promise<void>(resolve => this.waiting.push(resolve))
    }
    for (const { connection } of this.connections) connection.close()
    this.connections.length = 0
  }

  private acquire(): ReadConnection | undefined {
    const shared = this.connections.find(({ users, commits }) => users > 0 && commits === this.commits)
    if (shared !== undefined) {
      shared.users += 1
      return shared
    }
    let idle = this.connections.find(({ users }) => users === 0)
    if (idle === undefined && this.connections.length < MOST_CONNECTIONS) {
      const connection = this.open()
      idle = { connection, sql: sqlOver(connection), users: 0, commits: 0 }
      this.connections.push(idle)
    }
    if (idle === undefined) return undefined
    idle.sql.run('begin')
    try {
      // A deferred transaction has its snapshot from the first read on.
      idle.sql.rows('select 1 from sqlite_schema limit 1', [])
    } catch (error) {
      idle.sql.run('rollback')
      throw error
    }
    idle.users = 1
    idle.commits = this.commits
    return idle
  }

  private release(connection: ReadConnection): void {
    connection.users -= 1
    if (connection.users > 0) return
    if (connection.connection.open && connection.connection.inTransaction) connection.sql.run('rollback')
    this.wake()
  }

  /** All of them: several may share the next snapshot, and one may wait for the end. */
  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume()
  }
}
