import { createHash } from 'node:crypto'
import { GENERATED_PREFIX, generatedSourceName } from '@flotilla/config/generated-documents'
import type { ConfigFile } from '@flotilla/config/load'
import type { ApplicationSetSpec, Declared } from '@flotilla/core/model/fleet'
import type { SourceRow } from '@flotilla/core/ports/store'
import { documentTemplates } from '@flotilla/generators/generated-documents'
import type { BroughtSources } from './brought-sources.ts'
import type { ConfigSource, ConfigSources } from './config-sources.ts'
import { setKey } from './fleet-index.ts'

/*
 * Sets that make other documents than Applications (`spec.documents`): what a set makes is a config source of its own,
 * trusted as the set's is. It is read, kept as last good, stored and merged like any other; Projects in it are taken
 * all or none, and one that goes removes no workload.
 */

export function isGeneratedSource(name: string): boolean {
  return name.startsWith(GENERATED_PREFIX)
}

/** Takes over what a set makes now; returns the source to be read, when there is anything new to read. */
export function takeSetDocuments(
  set: Declared<ApplicationSetSpec>,
  files: readonly ConfigFile[],
  sources: ConfigSources,
  brought: BroughtSources,
): string | undefined {
  const name = generatedSourceName(set)
  if (files.length === 0 && documentTemplates(set).length === 0 && !sources.has(name)) return undefined
  const { repository = '', revision = '' } = sources.config(set.source) ?? {}
  const { trust, position } = set
  const config = { name, repository, revision, path: position.file, trust, broughtBy: setKey(set) }
  return brought.hand(config, files, versionOf(files))
}

/** The set is gone, and so is what it made. */
export function dropSetDocuments(key: string, sources: ConfigSources, brought: BroughtSources): string | undefined {
  const slash = key.lastIndexOf('/')
  const name = generatedSourceName({ source: key.slice(0, slash), name: key.slice(slash + 1) })
  const config = sources.config(name)
  return config && brought.hand(config, [], versionOf([]))
}

/** As it was stored; trusted as the source of its set is today. */
export function storedGeneratedSource(row: SourceRow, sources: ConfigSources): ConfigSource {
  const { name, repository, revision, path } = row
  const colon = name.lastIndexOf(':')
  const source = name.slice(GENERATED_PREFIX.length, colon)
  const trust = sources.config(source)?.trust ?? { kind: 'projects', projects: [] }
  return { name, repository, revision, path, trust, broughtBy: `${source}/${name.slice(colon + 1)}` }
}

/** Stands for the commit of other sources: another content is another version. */
function versionOf(files: readonly ConfigFile[]): string {
  return createHash('sha256')
    .update(JSON.stringify(files.map(({ path, text }) => [path, text])))
    .digest('hex')
    .slice(0, 40)
}
