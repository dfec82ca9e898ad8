import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * `npm run build`: what is bundled to be shipped, which is the agent (agents/dist). The hub and the command run from their
 * sources: bundled, the hub starts no faster and needs as much memory within a few percent.
 */
const builds = ['build-agent.mjs']

for (const build of builds) {
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(build, import.meta.url))], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
