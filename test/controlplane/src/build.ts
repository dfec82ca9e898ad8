import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { buildKey, cacheDirectory, moduleDirectory } from './cache.ts'
import { withDirectoryLock } from './directory-lock.ts'
import { ControlPlaneUnavailable } from './errors.ts'
import { every, monotonicMs, seconds } from './real-time.ts'
import { type CommandResult, runCommand } from './run-command.ts'

/** The programs that one binary of ours is, by the name it is called with. */
const programsOfOurs = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const

/** Tools of the same module that only some tests need; built when they are first asked for. */
const toolPackages = {
  helm: 'helm.sh/helm/v4/cmd/helm',
  kustomize: 'sigs.k8s.io/kustomize/kustomize/v5',
} as const

export type ToolName = keyof typeof toolPackages

export interface ControlPlaneBinaries {
  /** Holds `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `kubectl` and `kwok`. */
  readonly directory: string
  /** Of Kubernetes, as in `v1.36.3`. */
  readonly version: string
}

/** Writes one line of progress. */
export type Progress = (line: string) => void

const progressToStderr: Progress = line => process.stderr.write(`controlplane: ${line}\n`)

/**
 * The binaries of the real control plane, built once and then taken from the cache.
 *
 * The first build takes about five minutes on two cores, 2.5 GB of memory for the linker and 3 GB of Go's build cache;
 * it says what it does on stderr. Builders that start together wait for the first of them.
 *
 * @throws ControlPlaneUnavailable when Go is missing or too old, or the build fails.
 */
export async function buildControlPlane(progress: Progress = progressToStderr): Promise<ControlPlaneBinaries> {
  const recipe = await buildRecipe()
  const directory = join(recipe.home, 'bin')
  if (!existsSync(directory)) {
    await buildOnce(recipe, progress, async partial => {
      const bin = join(partial, 'bin')
      await goBuild(recipe.flags, '.', join(bin, 'controlplane'), progress)
      await goBuild(recipe.flags, 'sigs.k8s.io/kwok/cmd/kwok', join(bin, 'kwok'), progress)
      for (const program of programsOfOurs) await symlink('controlplane', join(bin, program))
    })
  }
  return { directory, version: recipe.version }
}

/**
 * The path of `helm` or `kustomize`, built (10 to 20 s once the control plane is) when it is not in the cache.
 *
 * @throws ControlPlaneUnavailable as buildControlPlane does.
 */
export async function buildTool(name: ToolName, progress: Progress = progressToStderr): Promise<string> {
  const controlPlane = await buildRecipe()
  const recipe = { ...controlPlane, home: `${controlPlane.home}-${name}` }
  const path = join(recipe.home, 'bin', name)
  if (!existsSync(path)) {
    await buildOnce(recipe, progress, partial =>
      goBuild(recipe.flags, toolPackages[name], join(partial, 'bin', name), progress),
    )
  }
  return path
}

interface Recipe {
  /** Where the finished build lies in the cache. */
  readonly home: string
  readonly version: string
  readonly flags: readonly string[]
}

async function buildRecipe(): Promise<Recipe> {
  const toolchain = await goToolchain()
  const version = await requiredVersion('k8s.io/kubernetes')
  const flags = await buildFlags(version)
  return { home: join(cacheDirectory(), await buildKey(toolchain, flags)), version, flags }
}

/**
 * What `go version` prints, asked in the module's own folder: there Go also says whether it is new enough.
 *
 * @throws ControlPlaneUnavailable
 */
export async function goToolchain(): Promise<string> {
  let result: CommandResult
  try {
    result = await runCommand('go', ['version'], { cwd: moduleDirectory })
  } catch (error) {
    throw new ControlPlaneUnavailable('the command "go" was not found: install Go 1.26 or newer (https://go.dev/dl)', {
      cause: error,
    })
  }
  if (result.exitCode !== 0) throw new ControlPlaneUnavailable(`"go version" failed: ${result.stderr.trim()}`)
  return result.stdout.trim()
}

/** The one place that names versions is go.mod. */
async function requiredVersion(module: string): Promise<string> {
  const lines = (await readFile(join(moduleDirectory, 'go.mod'), 'utf8')).split('\n')
  const line = lines.find(each => each.trim().startsWith(`${module} v`))
  if (line === undefined) throw new ControlPlaneUnavailable(`go.mod requires no ${module}`)
  return line.trim().split(' ')[1]!
}

/**
 * Stamps versions in, as the projects' own builds do: without, the apiserver works but calls itself v0.0.0, and charts'
 * version checks fail.
 */
async function buildFlags(version: string): Promise<readonly string[]> {
  const [major, minor] = version.slice(1).split('.')
  const stamps = {
    'k8s.io/component-base/version.gitVersion': version,
    'k8s.io/component-base/version.gitMajor': major,
    'k8s.io/component-base/version.gitMinor': minor,
    'k8s.io/component-base/version.gitTreeState': 'clean',
    'k8s.io/component-base/version.gitCommit': 'flotilla',
    'helm.sh/helm/v4/internal/version.version': await requiredVersion('helm.sh/helm/v4'),
  }
  const stampFlags = Object.entries(stamps).map(([name, value]) => `-X ${name}=${value}`)
  return ['-trimpath', '-buildvcs=false', '-ldflags', ['-s', '-w', ...stampFlags].join(' ')]
}

/** Builds into a folder of its own and renames it when whole, so that a folder with the final name is complete. */
async function buildOnce(
  recipe: Recipe,
  progress: Progress,
  build: (partial: string) => Promise<unknown>,
): Promise<void> {
  await mkdir(cacheDirectory(), { recursive: true })
  // One lock for all builds, not one for each key: two linkers at once need 5 GB.
  const lock = join(cacheDirectory(), 'build.lock')
  await withDirectoryLock(
    lock,
    () => progress(`waiting for another build (${lock})`),
    async () => {
      if (existsSync(recipe.home)) return
      await removeAbandonedBuilds()
      const partial = `${recipe.home}${partialMark}${process.pid}`
      await mkdir(join(partial, 'bin'), { recursive: true })
      try {
        await build(partial)
        await rename(partial, recipe.home)
      } catch (error) {
        await rm(partial, { recursive: true, force: true })
        if (!existsSync(recipe.home)) throw error
      }
    },
  )
}

const partialMark = '.partial-'

/** What builders that were killed have left. Called under the lock, so none of them is still at work. */
async function removeAbandonedBuilds(): Promise<void> {
  for (const name of await readdir(cacheDirectory())) {
    if (name.includes(partialMark)) await rm(join(cacheDirectory(), name), { recursive: true, force: true })
  }
}

async function goBuild(flags: readonly string[], target: string, output: string, progress: Progress): Promise<void> {
  const name = output.slice(output.lastIndexOf('/') + 1)
  const startedMs = monotonicMs()
  progress(`building ${name} with Go${name === 'controlplane' ? ' (the first time takes about five minutes)' : ''}`)
  const stopProgress = every(20_000, () => progress(`still building ${name} (${seconds(monotonicMs() - startedMs)})`))
  try {
    const result = await runCommand(
      'go',
      ['build', `-p=${Math.min(availableParallelism(), 8)}`, ...flags, '-o', output, target],
      { cwd: moduleDirectory, environment: { CGO_ENABLED: '0' }, lowPriority: true },
    )
    if (result.exitCode !== 0) {
      throw new ControlPlaneUnavailable(`"go build" of ${name} failed:\n${result.stderr.slice(-4_000).trim()}`)
    }
  } finally {
    stopProgress()
  }
  progress(`built ${name} in ${seconds(monotonicMs() - startedMs)}`)
}
