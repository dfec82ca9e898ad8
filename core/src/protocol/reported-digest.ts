import { canonicalJson, type Digest, sha256 } from '../json/canonical-json.ts'
import type { Json } from '../json/json.ts'
import { digestOfLines } from './digest-lines.ts'
import type { ReportEntry } from './report.ts'

/**
 * SHA-256 of an entry as sent. The canonical form is hashed, so that both ends agree although one built the value and
 * the other parsed it; the hub hashes before it leaves anything out.
 */
export function reportHash(entry: ReportEntry | Json): Digest {
  return sha256(canonicalJson(entry as Json))
}

/** One report as a line of `reported`: `application-id inc n hash` (protocol.md 6). */
export function reportedLine(report: {
  readonly application: string
  readonly inc: number
  readonly n: number
  readonly hash: Digest
}): string {
  return `${report.application} ${report.inc} ${report.n} ${report.hash}`
}

/** `reported`: SHA-256 over the sorted lines of what was last reported. */
export function reportedDigest(lines: Iterable<string>): Digest {
  return digestOfLines(lines)
}
