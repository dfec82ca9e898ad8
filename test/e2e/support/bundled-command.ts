import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const FOLDER = fileURLToPath(new URL('../../../cli/dist/', import.meta.url))

/**
 * The command in a few files instead of a thousand, for tests that start it hundreds of times: the same code, started
 * in half of the time.
 */
export async function bundleCommand(): Promise<{ readonly program: string; remove(): void }> {
  const name = `e2e-${process.pid}`
  await build({
    entryPoints: { [name]: fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url)) },
    outdir: FOLDER,
    chunkNames: `${name}-[name]-[hash]`,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: ['better-sqlite3', '@kubernetes/client-node'],
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
  const start = `import module from 'node:module'\nmodule.enableCompileCache?.()\nconst { main } = await import('./${name}.mjs')\nawait main()\n`
  writeFileSync(program, start)
  return {
    program,
    remove: () => {
      for (const file of readdirSync(FOLDER)) if (file.startsWith(name)) rmSync(join(FOLDER, file))
    },
  }
}
