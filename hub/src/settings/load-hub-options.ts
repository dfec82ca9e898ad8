import { readFile } from 'node:fs/promises'
import type { HubOptions } from './compile-hub-options.ts'
import { type GatheredOptions, gatherSettings, type PlacedProblem, type SettingSources } from './gather-settings.ts'

/** hub.yaml is written by hand: one that is larger is another file. */
const MOST_BYTES = 1024 * 1024

/**
 * The hub's options from hub.yaml (where a path is given), the process's variables and its flags. A file that cannot
 * be read, the secret's as well, is a problem like any other mistake.
 */
export async function loadHubOptions(
  sources: Omit<SettingSources, 'file'> & { readonly path?: string },
): Promise<GatheredOptions> {
  const { path, environment, flags } = sources
  if (path === undefined) return await withSecret(gatherSettings({ environment, flags }))
  const text = await readSmallFile(path)
  if (typeof text !== 'string') {
    return { kind: 'refused', problems: [{ at: path, field: 'the file', message: text.problem }] }
  }
  return await withSecret(gatherSettings({ file: { path, text }, environment, flags }))
}

/** Reads what is named as a file and needed from the start on. */
async function withSecret(gathered: GatheredOptions): Promise<GatheredOptions> {
  if (gathered.kind === 'refused' || gathered.options.webhookSecretFile === undefined) return gathered
  const path = gathered.options.webhookSecretFile
  const refuse = (message: string): GatheredOptions => {
    const problem: PlacedProblem = { at: path, field: 'webhooks.secretFile', message }
    return { kind: 'refused', problems: [problem] }
  }
  const text = await readSmallFile(path)
  if (typeof text !== 'string') return refuse(text.problem)
  const webhookSecret = text.trim()
  if (webhookSecret === '') return refuse('holds no secret: the file is empty')
  const options: HubOptions = { ...gathered.options, webhookSecret }
  return { ...gathered, options }
}

async function readSmallFile(path: string): Promise<string | { readonly problem: string }> {
  try {
    const bytes = await readFile(path)
    if (bytes.byteLength > MOST_BYTES)
      return { problem: `has ${bytes.byteLength} bytes, at most ${MOST_BYTES} are read` }
    return bytes.toString('utf8')
  } catch (error) {
    return { problem: `cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}
