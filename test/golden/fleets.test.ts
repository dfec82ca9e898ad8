import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { itemJson } from '@flotilla/cli/offline/item-json'
import { expandOffline, readOfflineFleet } from '@flotilla/cli/offline/offline-fleet'
import { yamlDocuments } from '@flotilla/cli/output/yaml'
import { formatDiagnostic } from '@flotilla/core/model/diagnostic'
import { describe, expect, test } from 'vitest'

/**
 * Golden stories: an example fleet goes in, its Applications come out as a YAML file beside this test. After a change
 * that is meant, `UPDATE_GOLDEN=1 npx vitest run test/golden` rewrites them, and the review reads the difference.
 */
const FLEETS = [
  { name: 'three-environments', config: 'fleet', url: 'https://git.example.com/fleet/three-environments.git' },
  { name: 'argo-migration', config: 'argocd', url: 'https://git.example.com/shop/deploy.git' },
]

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))

describe.each(FLEETS)('$name', ({ name, config, url }) => {
  const golden = fileURLToPath(new URL(`${name}.applications.yaml`, import.meta.url))

  test('becomes the Applications that it became before', async () => {
    const fleet = await readOfflineFleet({ cwd: `${EXAMPLES}${name}`, path: config, repo: [`${url}=.`] })
    const { applications, diagnostics } = await expandOffline(fleet)
    await fleet.repositories.close()
    expect(
      [...fleet.diagnostics, ...diagnostics].filter(one => one.severity === 'error').map(formatDiagnostic),
    ).toEqual([])
    const text = yamlDocuments(applications.map(itemJson))
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, text)
    expect(existsSync(golden), `${golden} is missing; UPDATE_GOLDEN=1 writes it`).toBe(true)
    expect(text).toBe(readFileSync(golden, 'utf8'))
  })
})
