/**
 * `node scripts/build-agent.mjs`: the agent as one file, agents/dist/agent.mjs.
 *
 * Of client-node only KubeConfig is used, but it imports the whole generated API and undici, which would double the
 * agent's memory; both are replaced by stubs that throw if anything should ever call them.
 */
import { rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const outfile = join(root, 'agents/dist/agent.mjs')

const unused = name => `
function unused() { throw new Error(${JSON.stringify(`${name} is not part of the agent's bundle`)}) }
`
const STUBS = {
  'client-node/dist/gen/index.js': `${unused('the generated Kubernetes API')}
export const createConfiguration = unused
export class ServerConfiguration { constructor() { unused() } }
`,
  undici: `${unused('undici')}
export class Agent { constructor() { unused() } }
export class ProxyAgent { constructor() { unused() } }
export const fetch = unused
`,
}

/**
 * A module that imports `node:http` as a module makes Node look at all that it exports, and so load undici for
 * `WebSocket`: 8 MB that nobody uses.
 */
const lazyHttp = {
  name: 'lazy-http',
  setup(plugin) {
    plugin.onResolve({ filter: /^(node:)?http$/ }, () => ({ path: 'http', namespace: 'lazy-http' }))
    plugin.onLoad({ filter: /.*/, namespace: 'lazy-http' }, () => ({
      contents: "module.exports = process.getBuiltinModule('node:http')",
      loader: 'js',
    }))
  },
}

const stubs = {
  name: 'stubs',
  setup(plugin) {
    plugin.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'stub' }))
    plugin.onResolve({ filter: /gen\/index\.js$/ }, ({ importer }) =>
      importer.includes('@kubernetes/client-node')
        ? { path: 'client-node/dist/gen/index.js', namespace: 'stub' }
        : undefined,
    )
    plugin.onLoad({ filter: /.*/, namespace: 'stub' }, ({ path }) => ({ contents: STUBS[path], loader: 'js' }))
  },
}

await rm(outfile, { force: true })
await build({
  entryPoints: [join(root, 'agents/src/main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  minify: true,
  legalComments: 'linked',
  plugins: [stubs, lazyHttp],
  // Packages written as CommonJS ask for `require`, which a module has to make for them.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
const { size } = await stat(outfile)
console.log(`agents/dist/agent.mjs ${Math.round(size / 1024)} KB`)
