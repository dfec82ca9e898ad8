import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isJsonObject } from '@flotilla/core/json/json'
import { parseYamlDocuments } from '@flotilla/core/yaml/parse-yaml'
import type { ConfigSource } from '@flotilla/hub/loop/config-sources'
import { readConfigSources } from '@flotilla/hub/settings/read-config-sources'
import { failure, usageError } from '../errors.ts'

/**
 * The config sources that a hub.yaml names, with their trust and prefix; all other settings of it are not looked at.
 *
 * @param isHere Whether a folder stands for that repository.
 * @throws CliError for a file that is not there, names no sources, or one that no folder stands for.
 */
export function readSources(
  path: string,
  cwd: string,
  isHere: (repository: string) => boolean,
): readonly ConfigSource[] {
  const full = resolve(cwd, path)
  if (!statSync(full, { throwIfNoEntry: false })?.isFile()) throw usageError(`--sources: there is no file ${path}`)
  const { documents, diagnostics } = parseYamlDocuments(readFileSync(full, 'utf8'), { file: path })
  const [mistake] = diagnostics
  if (mistake) throw failure(`${mistake.file}:${mistake.line}:${mistake.column} ${mistake.message}`)
  const [document] = documents
  const settings = document && isJsonObject(document.value) ? document.value : {}
  const problems: string[] = []
  const sources = readConfigSources(settings['configSources'], ({ field, message }) => {
    problems.push(`${path}: ${field} ${message}`)
  })
  if (problems.length > 0) throw failure(problems.join('\n'))
  if (sources.length === 0) throw failure(`${path} names no config sources`)
  for (const { name, repository } of sources) {
    if (isHere(repository)) continue
    throw usageError(
      `no folder is named for the repository ${repository} of config source "${name}"`,
      `name a local clone: --repo ${repository}=DIR`,
    )
  }
  return sources
}
