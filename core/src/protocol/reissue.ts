import { compareNumbers, type DocumentNumber } from './documents.ts'

/**
 * Whether a document that an agent does not hold has to be issued again before it can be taken (protocol.md 5.1). An
 * agent that lost its folder remembers beside it how far it had come, and takes nothing at or below that on a line that
 * it does not hold: what was sent before could be an old document that somebody kept.
 *
 * `ahead`: the agent has come further than this hub has ever issued; then a new number would be refused, too, and the
 * hub is the one that is behind.
 *
 * @param floor How far the agent had come.
 * @param given The highest number that the hub has given out for the cluster.
 */
export function mustReissue(
  number: DocumentNumber,
  floor: DocumentNumber,
  given: DocumentNumber,
): 'yes' | 'no' | 'ahead' {
  if (compareNumbers(floor, given) > 0) return 'ahead'
  return compareNumbers(number, floor) <= 0 ? 'yes' : 'no'
}

/**
 * The floor that an agent starts with: what was noted beside its folder, if the folder knows of less; nothing, if it
 * holds what was noted. An intact folder may lack single lines whose documents are still on their way, and takes those.
 *
 * @param noted The highest number taken, as another place remembers it.
 * @param highest The same, as the folder does.
 */
export function floorAfterLoss(
  noted: DocumentNumber | undefined,
  highest: DocumentNumber | undefined,
): DocumentNumber | undefined {
  if (!noted) return undefined
  return highest && compareNumbers(highest, noted) >= 0 ? undefined : noted
}
