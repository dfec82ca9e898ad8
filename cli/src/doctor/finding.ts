/** How one thing is: `failed` needs somebody now, `warning` soon. */
export type FindingStatus = 'ok' | 'warning' | 'failed' | 'skipped'

/** One thing that was looked at, and how to mend it where it is not as it should be. */
export interface Finding {
  /** What kind of thing: `store`, `key`, `certificate`. */
  readonly check: string
  /** Which one: a file, a repository, a cluster. */
  readonly subject: string
  readonly status: FindingStatus
  readonly message: string
  readonly hint?: string
}

export function ok(check: string, subject: string, message: string): Finding {
  return { check, subject, status: 'ok', message }
}

export function warning(check: string, subject: string, message: string, hint?: string): Finding {
  return { check, subject, status: 'warning', message, ...(hint !== undefined && { hint }) }
}

export function failed(check: string, subject: string, message: string, hint?: string): Finding {
  return { check, subject, status: 'failed', message, ...(hint !== undefined && { hint }) }
}

export function skipped(check: string, subject: string, message: string): Finding {
  return { check, subject, status: 'skipped', message }
}

/** What a failed look says, with its code where it has one. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
