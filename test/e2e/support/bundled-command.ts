import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const FOLDER = fileURLToPath(new URL('../../../cli/dist/', import.meta.url))

const COMPILED = fileURLToPath(new URL('../../../.cache/compiled', import.meta.url))

/** Files that the hub starts as a thread or a process of its own: each is an entry, and is named by what starts it. */
const STARTED = [
  ['expand-thread', '../../../hub/src/expand/expand-thread.ts', 'expand-in-worker'],
  ['isomorphic-child', '../../../hub/src/source/git/isomorphic-child.ts', 'isomorphic-child-fetch'],
] as const

/** What `npm test` has made for all, and else one of our own: see {@link bundleCommand}. */
export async function bundledCommand(): Promise<{ readonly program: string; remove(): void }> {
  const program = process.env['FLOTILLA_BUNDLED']
  return program === undefined ? await bundleCommand() : { program, remove: () => undefined }
}

/**
 * The command in a few files instead of a thousand, for tests that start it often: the same code, started in half of the
 * time.
 */
export async function bundleCommand(name = ownName()): Promise<{ readonly program: string; remove(): void }> {
  removeBundled(name)
  await build({
    entryPoints: {
      [name]: fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url)),
      ...Object.fromEntries(
        STARTED.map(([part, file]) => [`${name}-${part}`, fileURLToPath(new URL(file, import.meta.url))]),
      ),
    },
    outdir: FOLDER,
    chunkNames: `${name}-[name]-[hash]`,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: ['better-sqlite3', '@kubernetes/client-node'],
    plugins: [namingOf(name)],
    // Packages written as CommonJS ask for what a module does not have.
    banner: {
      js: [
        "import { createRequire as __createRequire } from 'node:module'",
        "import { fileURLToPath as __fileURLToPath } from 'node:url'",
        'const require = __createRequire(import.meta.url)',
        'const __filename = __fileURLToPath(import.meta.url)',
        "const __dirname = __fileURLToPath(new URL('.', import.meta.url))",
      ].join(';'),
    },
    logLevel: 'error',
  })
  mkdirSync(FOLDER, { recursive: true })
  const program = join(FOLDER, `${name}-start.mjs`)
  // As cli/bin/flotilla.mjs does: see there. What bears a process's number is not started again once that is over.
  const compiled = name === ownName() ? join(FOLDER, `${name}-compiled`) : COMPILED
  const start = [
    "import module from 'node:module'",
    `module.enableCompileCache?.(${JSON.stringify(compiled)})`,
    `const { main } = await import('./${name}.mjs')`,
    'const atWork = setInterval(() => undefined, 1 << 30)',
    'await main().finally(() => clearInterval(atWork))',
    '',
  ].join('\n')
  writeFileSync(program, start)
  return { program, remove: () => removeBundled(name) }
}

function ownName(): string {
  return `e2e-${process.pid}`
}

/** Takes away what {@link bundleCommand} made. */
export function removeBundled(name: string): void {
  if (!existsSync(FOLDER)) return
  for (const file of readdirSync(FOLDER))
    if (file.startsWith(`${name}-`) || file === `${name}.mjs`)
      rmSync(join(FOLDER, file), { recursive: true, maxRetries: 5 })
}

/** Whoever starts a file of its own finds it under its name in the bundle. */
function namingOf(name: string): Plugin {
  return {
    name: 'started-files',
    setup(plugin) {
      for (const [part, , starter] of STARTED) {
        plugin.onLoad({ filter: new RegExp(`[\\/]${starter}\\.ts$`) }, async ({ path }) => {
          const source = await readFile(path, 'utf8')
          const named = source.replace(`'./${part}.ts'`, `'./${name}-${part}.mjs'`)
          if (named === source) throw new Error(`${path} no longer starts ./${part}.ts`)
          return { contents: named, loader: 'ts' }
        })
      }
    },
  }
}

if (import.meta.main) await bundleCommand(process.argv[2])
