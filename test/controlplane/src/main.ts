import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { buildControlPlane } from './build.ts'
import { startControlPlanes } from './control-plane.ts'
import { ControlPlaneUnavailable } from './errors.ts'
import { monotonicMs, seconds } from './real-time.ts'

const usage = `usage: node test/controlplane/src/main.ts build
       node test/controlplane/src/main.ts start [--clusters N] [--apiserver-only]
`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { clusters: { type: 'string', default: '1' }, 'apiserver-only': { type: 'boolean', default: false } },
  })
  const count = Number(values.clusters)
  if (positionals.length !== 1 || !Number.isInteger(count) || count < 1) {
    process.stderr.write(usage)
    return 2
  }
  switch (positionals[0]) {
    case 'build':
      process.stdout.write(`${(await buildControlPlane()).directory}\n`)
      return 0
    case 'start':
      return start(count, values['apiserver-only'] ? 'apiserver' : 'all')
    default:
      process.stderr.write(usage)
      return 2
  }
}

async function start(count: number, components: 'all' | 'apiserver'): Promise<number> {
  const startedMs = monotonicMs()
  const controlPlanes = await startControlPlanes(count, { components })
  process.stderr.write(`controlplane: ${count} ready in ${seconds(monotonicMs() - startedMs)}; Ctrl-C ends all\n`)
  for (const controlPlane of controlPlanes) process.stdout.write(`${controlPlane.kubeconfigPath}\n`)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(process, 'SIGHUP')])
  await Promise.all(controlPlanes.map(controlPlane => controlPlane.stop()))
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof ControlPlaneUnavailable)) throw error
  process.stderr.write(`controlplane: ${error.message}\n`)
  process.exitCode = 1
}
