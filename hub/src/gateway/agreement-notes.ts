/** What of an agent and its hub does not come to agree, though it was asked for again. */
export type AgreementCode =
  /** The documents held differ after a resync over the same pair of digests. */
  | 'HELD_DIFFERS'
  /** So do the reports. */
  | 'REPORTED_DIFFERS'
  /** The agent has taken document numbers that this store never gave out. */
  | 'NUMBERS_AHEAD'
  /** The agent holds Applications that this hub does not name. */
  | 'UNCLAIMED'
  /** The agent does not know reports that it made. */
  | 'REPORTS_LOST'

export interface AgreementNote {
  readonly code: AgreementCode
  readonly message: string
}

const MESSAGES: Readonly<Record<'HELD_DIFFERS' | 'REPORTED_DIFFERS' | 'NUMBERS_AHEAD', string>> = {
  HELD_DIFFERS: 'what the agent holds still differs from what the hub has issued, after its lines were compared',
  REPORTED_DIFFERS: 'what the agent has reported still differs from what the hub has stored, after a comparison',
  NUMBERS_AHEAD:
    'the agent has taken documents that this hub does not remember: was its store restored from an older backup? see flotilla hub recover',
}

/** Notes of one connection, as they stand now; people see them with the cluster. */
export class AgreementNotes {
  readonly #set = new Set<keyof typeof MESSAGES>()
  unclaimed = 0
  reportsLost = 0

  set(code: keyof typeof MESSAGES, stands: boolean): void {
    if (stands) this.#set.add(code)
    else this.#set.delete(code)
  }

  list(): readonly AgreementNote[] {
    const notes: AgreementNote[] = [...this.#set].sort().map(code => ({ code, message: MESSAGES[code] }))
    if (this.unclaimed > 0) {
      const message = `the agent holds ${this.unclaimed} Applications that this hub does not name; they are left as they are`
      notes.push({ code: 'UNCLAIMED', message })
    }
    if (this.reportsLost > 0) {
      const message = `the agent lost ${this.reportsLost} of its reports; they are shown until it reports anew`
      notes.push({ code: 'REPORTS_LOST', message })
    }
    return notes
  }
}
