import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type FixtureFile =
  | string
  | Uint8Array
  | { readonly symlink: string }
  | { readonly executable: string }
  | { readonly submodule: string }
  | null

export interface FixtureCommit {
  /** Default `main`. */
  readonly branch?: string
  /** Path → content; `null` removes. */
  readonly files?: Readonly<Record<string, FixtureFile>>
  readonly message?: string
  /** Start from this instead of the branch's tip: `null` for a commit without a parent. A rewrite, that is. */
  readonly from?: string | null
  /** Seconds since the epoch. */
  readonly at?: number
}

/** A real bare repository in a temporary folder, written with the git program: what tests fetch from. */
export class FixtureRepository {
  readonly path: string
  readonly #root: string

  private constructor(root: string, path: string) {
    this.#root = root
    this.path = path
  }

  static async make(name = 'fleet.git'): Promise<FixtureRepository> {
    const root = await mkdtemp(join(tmpdir(), 'flotilla-fixture-'))
    const repository = new FixtureRepository(root, join(root, name))
    await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository.path], {
      env: cleanEnvironment(),
    })
    return repository
  }

  /** The folder that holds the repository, for a server to serve. */
  get root(): string {
    return this.#root
  }

  /** Makes a commit without a working copy; returns its id. */
  async commit(commit: FixtureCommit): Promise<string> {
    const branch = commit.branch ?? 'main'
    const ref = `refs/heads/${branch}`
    const parent = commit.from === undefined ? await this.tip(branch) : commit.from
    const stream: (string | Uint8Array)[] = [`commit ${ref}\n`]
    stream.push(`committer Ann Example <ann@example.com> ${commit.at ?? 1_760_000_000} +0200\n`)
    stream.push(...data(commit.message ?? 'a commit'))
    if (parent) stream.push(`from ${parent}\n`)
    for (const [path, file] of Object.entries(commit.files ?? {})) stream.push(...change(path, file))
    await this.fastImport(stream)
    return (await this.tip(branch)) ?? ''
  }

  async tip(branch = 'main'): Promise<string | undefined> {
    return this.git('rev-parse', '--verify', '--quiet', `refs/heads/${branch}`).catch(() => undefined)
  }

  /** Runs git in the repository; returns its output without the last line feed. */
  async git(...gitArguments: string[]): Promise<string> {
    const { stdout } = await run('git', ['-C', this.path, ...gitArguments], { env: cleanEnvironment() })
    return stdout.trimEnd()
  }

  fastImport(stream: readonly (string | Uint8Array)[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn('git', ['-C', this.path, 'fast-import', '--quiet', '--force'], {
        env: cleanEnvironment(),
        stdio: ['pipe', 'ignore', 'pipe'],
      })
      let stderr = ''
      child.stderr.setEncoding('utf8').on('data', text => {
        stderr += text
      })
      child.once('error', reject)
      child.once('close', code => (code === 0 ? resolve() : reject(new Error(`fast-import failed: ${stderr}`))))
      child.stdin.end(Buffer.concat(stream.map(part => (typeof part === 'string' ? Buffer.from(part) : part))))
    })
  }

  async remove(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true })
  }
}

function change(path: string, file: FixtureFile): (string | Uint8Array)[] {
  if (file === null) return [`D ${path}\n`]
  if (typeof file === 'string' || file instanceof Uint8Array) return [`M 100644 inline ${path}\n`, ...data(file)]
  if ('symlink' in file) return [`M 120000 inline ${path}\n`, ...data(file.symlink)]
  if ('executable' in file) return [`M 100755 inline ${path}\n`, ...data(file.executable)]
  return [`M 160000 ${file.submodule} ${path}\n`]
}

function data(content: string | Uint8Array): (string | Uint8Array)[] {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return [`data ${bytes.byteLength}\n`, bytes, '\n']
}

/** Nobody's own configuration changes what a test sees. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Ann Example',
    GIT_AUTHOR_EMAIL: 'ann@example.com',
    GIT_COMMITTER_NAME: 'Ann Example',
    GIT_COMMITTER_EMAIL: 'ann@example.com',
  }
}
