import * as v from 'valibot'
import { canonicalJson } from '../json/canonical-json.ts'
import { parseBoundedJsonBytes } from './bounded-json.ts'
import { count, type Decoded, decode, jws, listOf, nonce } from './schema.ts'

/**
 * What an agent holds, as signed, in pages: a hub that asks for it (`prove`) wants to know what its own key has signed
 * for that cluster (protocol.md 5.7). Pages of one showing share a nonce and are counted from 0; a page that does not
 * follow the one before is answered with a conflict, and the agent begins again.
 */
export const proofPage = v.object({
  showing: nonce,
  page: count,
  last: v.boolean(),
  documents: listOf(jws, 1000),
})

export type ProofPage = v.InferOutput<typeof proofPage>

/** Of one page's body, inflated. */
export const MAX_PROOF_BYTES = 4 * 1024 * 1024
const PAGE_BYTES = 512 * 1024
const PAGE_DOCUMENTS = 500

export function decodeProofPage(body: Uint8Array): Decoded<ProofPage> {
  return decode(proofPage, parseBoundedJsonBytes(body, MAX_PROOF_BYTES))
}

/** Cuts everything into pages; one at least, so that an agent that holds nothing can say so. */
export function encodeProofPages(showing: string, documents: readonly string[]): readonly Uint8Array[] {
  const pages: string[][] = [[]]
  let bytes = 0
  for (const document of documents) {
    const current = pages.at(-1)!
    if (current.length >= PAGE_DOCUMENTS || (current.length > 0 && bytes + document.length > PAGE_BYTES)) {
      pages.push([document])
      bytes = document.length
    } else {
      current.push(document)
      bytes += document.length
    }
  }
  return pages.map((list, page) =>
    Buffer.from(canonicalJson({ showing, page, last: page === pages.length - 1, documents: list })),
  )
}
