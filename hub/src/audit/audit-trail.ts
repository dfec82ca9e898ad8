import type { Random } from '@flotilla/core/ports/random'
import { type AuditPorts, AuditQueue } from './audit-queue.ts'
import { DEFAULT_DENIALS_PER_MINUTE, DenialLimit } from './limit-denials.ts'
import { DEFAULT_READ_SAMPLING, ReadRecorder, type ReadSampling } from './record-reads.ts'

/** What hub.yaml says of the audit log. */
export interface AuditSettings {
  readonly reads?: ReadSampling
  /** Denials of one principal that are written down within a minute. */
  readonly denialsPerMinute?: number
}

/** What the audit log gets besides the entries that acts write themselves: reads, and denials within a limit. */
export interface AuditTrail {
  readonly ports: AuditPorts
  readonly queue: AuditQueue
  readonly reads: ReadRecorder
  readonly denials: DenialLimit
  /** Writes what waits and what was counted so far. */
  close(): Promise<void>
}

export function openAuditTrail(ports: AuditPorts & { readonly random: Random }, settings: AuditSettings): AuditTrail {
  const { clock, random } = ports
  const queue = new AuditQueue(ports)
  const reads = new ReadRecorder({ clock, random, queue }, settings.reads ?? DEFAULT_READ_SAMPLING)
  const denials = new DenialLimit(clock, queue, settings.denialsPerMinute ?? DEFAULT_DENIALS_PER_MINUTE)
  return {
    ...{ ports, queue, reads, denials },
    close: async () => {
      reads.close()
      denials.close()
      await queue.close()
    },
  }
}
