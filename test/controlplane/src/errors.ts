/** The control plane cannot be built on this machine: Go is missing or too old, or the build failed. */
export class ControlPlaneUnavailable extends Error {
  readonly code = 'CONTROL_PLANE_UNAVAILABLE'
  readonly retry = false

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ControlPlaneUnavailable'
  }
}

/** A server of a control plane did not start, or ended on its own. */
export class ControlPlaneFailed extends Error {
  readonly code = 'CONTROL_PLANE_FAILED'
  readonly retry = true
  /** The program, as in `kube-apiserver`. */
  readonly subject: string

  /** @param log The end of what the program wrote, shown below the message. */
  constructor(subject: string, message: string, log: string, options?: { cause?: unknown }) {
    super(log === '' ? `${subject}: ${message}` : `${subject}: ${message}\n${log}`, options)
    this.name = 'ControlPlaneFailed'
    this.subject = subject
  }
}
