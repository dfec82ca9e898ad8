import { goToolchain } from './build.ts'
import { ControlPlaneUnavailable } from './errors.ts'

export type ControlPlaneAvailability =
  /** @param toolchain What `go version` prints. */
  { readonly kind: 'available'; readonly toolchain: string } | { readonly kind: 'unavailable'; readonly reason: string }

/**
 * Whether this machine can build and run the real control plane. Suites ask before they declare their tests.
 *
 * When it cannot, that is said in a loud line on stderr, so that a run which proved less never looks like one which
 * proved everything.
 *
 * @throws ControlPlaneUnavailable under `CI=true`, where a suite must not be left out.
 */
export async function controlPlaneAvailability(): Promise<ControlPlaneAvailability> {
  try {
    return { kind: 'available', toolchain: await goToolchain() }
  } catch (error) {
    if (!(error instanceof ControlPlaneUnavailable) || process.env['CI'] === 'true') throw error
    process.stderr.write(
      `\n!!! NOT TESTED on a real Kubernetes control plane: ${error.message}\n` +
        '!!! These tests are skipped here; under CI=true this is a failure.\n\n',
    )
    return { kind: 'unavailable', reason: error.message }
  }
}
