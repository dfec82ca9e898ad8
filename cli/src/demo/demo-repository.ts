import * as fs from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as git from 'isomorphic-git'
import { type DemoShape, demoClusters, demoFiles } from './demo-content.ts'

const AUTHOR = { name: 'Flotilla demo', email: 'demo@flotilla.invalid' }

/**
 * Makes the demo's config repository, an ordinary checkout to edit and commit in. One that is there already keeps its
 * history and every edit; only the Cluster documents follow `clusters`.
 *
 * @returns Whether it was made now.
 */
export async function prepareDemoRepository(directory: string, shape: DemoShape): Promise<boolean> {
  const made = !fs.existsSync(join(directory, '.git'))
  if (made) {
    await mkdir(directory, { recursive: true })
    await git.init({ fs, dir: directory, defaultBranch: 'main' })
    await commitFiles(directory, demoFiles(shape), 'Declare the fleet')
    return true
  }
  await followClusters(directory, shape)
  return false
}

async function followClusters(directory: string, shape: DemoShape): Promise<void> {
  const wanted = new Map([...demoFiles(shape)].filter(([path]) => path.startsWith('fleet/clusters/')))
  const missing = new Map<string, string>()
  for (const [path, text] of wanted) if (!fs.existsSync(join(directory, path))) missing.set(path, text)
  const names = new Set(demoClusters(shape.clusters).map(({ name }) => `fleet/clusters/${name}.yaml`))
  const tracked = await git.listFiles({ fs, dir: directory })
  const surplus = tracked.filter(
    path => /^fleet\/clusters\/(dev|staging|prod)-\d+\.yaml$/.test(path) && !names.has(path),
  )
  for (const path of surplus) {
    await fs.promises.rm(join(directory, path), { force: true })
    await git.remove({ fs, dir: directory, filepath: path })
  }
  if (missing.size > 0 || surplus.length > 0) await commitFiles(directory, missing, `Run ${shape.clusters} clusters`)
}

/** Writes files into the checkout and commits them. */
export async function commitFiles(
  directory: string,
  files: ReadonlyMap<string, string>,
  message: string,
): Promise<string> {
  for (const [path, text] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
  await git.add({ fs, dir: directory, filepath: [...files.keys()] })
  return await git.commit({ fs, dir: directory, message, author: AUTHOR, ref: 'refs/heads/main' })
}

/** Changes one file and commits it, as a person would: for the demo's own tests. */
export async function commitEdit(directory: string, path: string, edit: (text: string) => string): Promise<string> {
  const text = await readFile(join(directory, path), 'utf8')
  await writeFile(join(directory, path), edit(text))
  await git.add({ fs, dir: directory, filepath: path })
  return await git.commit({ fs, dir: directory, message: `Change ${path}`, author: AUTHOR })
}
