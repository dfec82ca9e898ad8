import fc from 'fast-check'

/**
 * A law that fails is made smaller until it cannot be; where each try takes seconds that is an hour, and no time limit of
 * the test runner ends work that never waits. What was found by then is told.
 */
fc.configureGlobal({
  interruptAfterTimeLimit: process.env['FLOTILLA_FUZZ_CASES'] === undefined ? 100_000 : 3_600_000,
  markInterruptAsFailure: true,
})
