import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type AccessReading, type ConfigFile, readAccess } from '@flotilla/config'
import { usageError } from '../errors.ts'
import { readConfigFiles } from './read-config.ts'
import { Repositories } from './repositories.ts'

/** As large as a ConfigMap may be, and room for many of them. */
const LARGEST_POLICY = 16 * 1024 * 1024

/**
 * What a path says about access: the documents of a folder or file, or a policy in a `.csv` file.
 *
 * @throws CliError when the path is not there, or says nothing about access: "No" would be an answer to another question.
 */
export async function readAccessFiles(path: string, cwd: string): Promise<AccessReading> {
  const reading = readAccess(path.endsWith('.csv') ? [await readCsv(path, cwd)] : await readDocuments(path, cwd))
  if (reading.found > 0) return reading
  throw usageError(
    `${path} says nothing about access`,
    'it needs an AccessPolicy, a Team, a ConfigMap argocd-rbac-cm, or a Project with roles',
  )
}

async function readDocuments(path: string, cwd: string): Promise<readonly ConfigFile[]> {
  const repositories = new Repositories({ cwd, path, mappings: [] })
  try {
    return await readConfigFiles(path, cwd, repositories)
  } finally {
    await repositories.close()
  }
}

async function readCsv(path: string, cwd: string): Promise<ConfigFile> {
  const file = await open(resolve(cwd, path)).catch(error => {
    throw usageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  })
  try {
    const { size } = await file.stat()
    if (size > LARGEST_POLICY) throw usageError(`${path} has more than ${LARGEST_POLICY} bytes`)
    return { path, text: await file.readFile('utf8') }
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw usageError(`${path} cannot be read: ${error.message}`)
    throw error
  } finally {
    await file.close()
  }
}
