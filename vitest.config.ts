import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that wait longest for what they start: begun last, one of them would run alone at the end. */
const LONG = [
  'test/simulation/fleet',
  'test/e2e/cluster-outage',
  'test/e2e/kill',
  'test/e2e/gates',
  'test/e2e/by-hand',
  'test/faults/recovery',
  'test/faults/hub-restart',
  'cli/src/flotilla',
  'test/faults/identity',
  'hub/src/source/git/git-backend',
  'test/faults/gates',
  'test/faults/documents',
  'test/requirements/operation',
  'test/requirements/hooks',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex(path => moduleId.includes(`/${path}.`))
      return at < 0 ? LONG.length : at
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

/**
 * Integration tests that start programs, change what belongs to the whole process, or measure it: each file has a
 * process of its own. In `npm test` the others share theirs: to read the whole hub anew costs more than most of them do.
 */
const APART = [
  'agents/src/**',
  'cli/src/flotilla*',
  'hub/src/loop/**',
  'hub/src/source/git/**',
  'hub/src/store/kill*',
  'scripts/**',
  'test/{controlplane,faults,golden,integration,sim}/**',
].map(path => (path.endsWith('/**') ? `${path}/*.integration.test.ts` : `${path}.integration.test.ts`))
/** Which of both: `apart` or `together`. Without, all of them, each apart. */
const ONLY = process.env['FLOTILLA_INTEGRATION']

/** `expect.poll` gives up after a second by itself; what another process does can take long on a busy machine. */
const PATIENT = { poll: { timeout: 120_000, interval: 20 } }

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
    sequence: { sequencer: LongestFirst },
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
          setupFiles: ['test/setup/laws-end.ts'],
          // Far above what any of them needs: a busy machine is slow, not wrong.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'simulation',
          include: ['test/simulation/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'integration',
          // Tests that say they may run beside each other wait for processes.
          maxConcurrency: 4,
          expect: PATIENT,
          isolate: ONLY !== 'together',
          include: ONLY === 'apart' ? APART : ['**/*.integration.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', ...(ONLY === 'together' ? APART : [])],
          // Bounds only what never ends: beside others, on a machine with much else to do, a test of minutes takes longer.
          testTimeout: 900_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'contract',
          maxConcurrency: 5,
          expect: PATIENT,
          include: ['test/contract/**/*.test.ts', 'test/requirements/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
      {
        test: {
          name: 'e2e',
          expect: PATIENT,
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
})
