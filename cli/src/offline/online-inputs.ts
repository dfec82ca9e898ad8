import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Json } from '@flotilla/core/json/json'
import { stringifyJson } from '@flotilla/core/json/stringify-json'
import { seededRandom } from '@flotilla/core/ports/create-random'
import type { Log } from '@flotilla/core/ports/log'
import { type HostedRequest, type InputAnswer, type InputRequest, isGitRequest } from '@flotilla/generators/inputs'
import type { CliContext } from '../context.ts'
import { failure, usageError } from '../errors.ts'
import { prettyJson } from '../output/json.ts'

/** Services over the network, asked from this machine. */
export interface OnlineInputs {
  answer(request: HostedRequest): Promise<InputAnswer>
  close(): void
}

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT }

/**
 * Asks Git hosts and plugins as the hub of that hub.yaml does: its Secrets, its proxy, its limits. The documents are read here as
 * those of a source that may declare everything, because whoever runs this can read the Secrets anyway.
 *
 * @throws CliError (usage) when hub.yaml cannot be used.
 */
export async function openOnlineInputs(hubYaml: string, context: CliContext): Promise<OnlineInputs> {
  const { loadHubOptions } = await import('@flotilla/hub/settings/load-hub-options')
  const { settingProblemText } = await import('@flotilla/hub/settings/gather-settings')
  const { openHosts } = await import('@flotilla/hub/hosts/open-hosts')
  const { Hosts } = await import('@flotilla/hub/hosts/hosts')
  const { openServices } = await import('@flotilla/hub/hosts/open-services')
  const gathered = await loadHubOptions({ path: resolve(context.cwd, hubYaml), environment: context.env, flags: {} })
  if (gathered.kind === 'refused') throw usageError(`--online: ${gathered.problems.map(settingProblemText).join('\n')}`)
  const { clock } = context
  const { http, settings } = await openHosts(gathered.options.hosts, clock, context.env).catch((error: unknown) => {
    throw failure(`--online: ${error instanceof Error ? error.message : String(error)}`, undefined, error)
  })
  const others = openServices(gathered.options, settings, { http, clock })
  const ports = { clock, random: seededRandom(1), log: SILENT }
  const hosts = new Hosts({ http, settings, others, ...ports, changed: () => undefined })
  return {
    answer: request => hosts.answer(request),
    close: () => {
      hosts.stop()
      http.close()
    },
  }
}

/**
 * Writes what services answered, as `--inputs` reads it again: without who asked, so that a set of another project finds
 * it too. Failures are left out.
 *
 * @returns How many answers were written.
 * @throws CliError when the file cannot be written.
 */
export function writeRecording(
  path: string,
  asked: Iterable<{ readonly request: InputRequest; readonly answer: InputAnswer }>,
): number {
  const entries = new Map<string, Json>()
  for (const { request, answer } of asked) {
    if (isGitRequest(request) || answer.kind === 'failed') continue
    const { project: _project, ...question } = request
    if ('trust' in question) delete (question as { trust?: unknown }).trust
    entries.set(stringifyJson(question as unknown as Json), { request: question, answer } as unknown as Json)
  }
  try {
    writeFileSync(path, `${prettyJson([...entries.values()])}\n`)
  } catch (error) {
    throw failure(`--record: ${error instanceof Error ? error.message : String(error)}`, undefined, error)
  }
  return entries.size
}
