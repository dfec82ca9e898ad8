/**
 * `node scripts/build-agent.mjs [folder]`: the agent in a folder, agents/dist by default: agent.mjs and, beside it, what
 * most agents never load. An agent is to be small, and the text of a program stays in memory as long as it runs:
 *
 * - Languages that only some rules are written in (Lua, CEL, patterns) are imported when one is met: files of their own.
 * - Of client-node only KubeConfig is used, but it imports the whole generated API and undici, which would double the
 *   agent's memory: stubs that throw if anything should ever call them. What only a few kubeconfigs ask of it (OIDC,
 *   proxies, `auth-provider`) is a file for each package, loaded at its first use.
 * - The text is ASCII: with one character that is not, V8 keeps two bytes for each of them all.
 */
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const outdir = resolve(process.argv[2] ?? join(root, 'agents/dist'))
/** Packages of client-node's that most kubeconfigs have no use for. */
const RARE = ['hpagent', 'jsonpath-plus', 'openid-client', 'socks', 'socks-proxy-agent']

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

/**
 * Importing a module of Node's own makes Node look at all that it exports, and so load what nobody asked for: undici
 * for `http`, the root certificates for `tls`, Web Crypto for `crypto`.
 */
const builtins = {
  name: 'builtins',
  setup(plugin) {
    const names = new Set(builtinModules)
    plugin.onResolve({ filter: /^[a-z]/ }, ({ path }) => {
      const name = path.replace(/^node:/, '')
      return names.has(name) ? { path: name, namespace: 'builtin' } : undefined
    })
    plugin.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('node:${path}')`,
      loader: 'js',
    }))
  },
}

const rare = {
  name: 'rare',
  setup(plugin) {
    plugin.onResolve({ filter: new RegExp(`^(${RARE.join('|')})$`) }, ({ path, importer }) =>
      importer.includes('@kubernetes/client-node') ? { path, namespace: 'rare' } : undefined,
    )
    plugin.onLoad({ filter: /.*/, namespace: 'rare' }, async ({ path }) => {
      // Behind a name of ours, so that esbuild leaves it as it is.
      const load = `requireBeside('./${rareFile(path)}')`
      const names = Object.keys(await import(path)).filter(name => name !== 'default' && name !== 'module.exports')
      const getters = names.map(name => `get ${name}() { return ${load}.${name} }`)
      return { contents: `module.exports = { ${getters.join(', ')} }`, loader: 'js' }
    })
  },
}

const rareFile = name => `agent-${name}.cjs`

const options = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
}

await rm(outdir, { recursive: true, force: true })
const results = await Promise.all([
  build({
    ...options,
    entryPoints: { agent: join(root, 'agents/src/main.ts') },
    outdir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'agent-[name]-[hash]',
    splitting: true,
    format: 'esm',
    metafile: true,
    plugins: [stubs, rare, builtins],
    // Packages written as CommonJS ask for `require`, which a module has to make for them.
    banner: {
      js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url), requireBeside = require;",
    },
  }),
  ...RARE.map(name =>
    build({
      ...options,
      stdin: { contents: `module.exports = require('${name}')`, resolveDir: join(root, 'agents') },
      outfile: join(outdir, rareFile(name)),
      format: 'cjs',
      metafile: true,
    }),
  ),
])
for (const { metafile } of results) {
  for (const file of Object.keys(metafile.outputs).filter(name => /\.[cm]js$/.test(name))) {
    const path = join(process.cwd(), file)
    await writeFile(path, escaped(await readFile(path, 'utf8')))
  }
}
const { size } = await stat(join(outdir, 'agent.mjs'))
console.log(
  `${relative(process.cwd(), join(outdir, 'agent.mjs'))} ${Math.round(size / 1024)} KB, and what it loads when it needs it`,
)

/** What esbuild leaves as it is: patterns. The same text of them, as of strings, can be written in ASCII. */
function escaped(text) {
  return text.replace(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
