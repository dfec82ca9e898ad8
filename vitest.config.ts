import { defineConfig } from 'vitest/config'

/**
 * Five projects, by what a test needs:
 *   unit         values and in-process parts only; the inner loop (`npm run test:fast`)
 *   simulation   whole fleets on a virtual clock, from seeds
 *   integration  `*.integration.test.ts`: real files, sockets and child processes of one package
 *   contract     suites that run on the simulated and on the real control plane alike
 *   e2e          the whole product: hub, agents and clusters as processes
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // Values and parts in this process, made anew by each test: modules are loaded once, not once a file.
          isolate: false,
          pool: 'threads',
          include: [
            '{core,generators,config,agents,hub,cli,scripts}/**/*.test.{ts,mjs}',
            'test/{sim,controlplane}/src/**/*.test.ts',
            'test/{golden,conformance,bench}/**/*.test.ts',
          ],
          exclude: [
            '**/node_modules/**',
            '**/dist/**',
            '**/*.integration.test.ts',
            // Laws and whole example fleets wait for the whole run.
            ...(process.env['FLOTILLA_INNER_LOOP'] ? ['**/*.prop.test.ts', 'test/golden/**'] : []),
          ],
          // Far above what any of them needs: a busy machine is slow, not wrong.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          testTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'integration',
          // Tests that say they may run beside each other wait for processes.
          maxConcurrency: 4,
          include: ['**/*.integration.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          // Bounds only what never ends: beside others, on a machine with much else to do, a test of minutes takes longer.
          testTimeout: 900_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'contract',
          maxConcurrency: 5,
          include: ['test/contract/**/*.test.ts', 'test/requirements/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 900_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
})
