import { type AgentFrame, encodeFrame, type HubFrame, MAX_FRAME_BYTES } from './frames.ts'

/** The longest text that no encoding makes longer than a frame: below this nobody has to count bytes. */
const SURELY_FITS = MAX_FRAME_BYTES / 4

/**
 * A frame's text, never longer than a frame may be: the other side would close the connection over it, again and again.
 * Lists are cut by halves until it fits. Every list of a frame but `lines` says what is wanted or open, and is said
 * again with what was left out; `lines` come in portions that fit, and are left whole.
 */
export function encodeFitted(frame: AgentFrame | HubFrame, maxBytes = MAX_FRAME_BYTES): string {
  let fitted: AgentFrame | HubFrame = frame
  for (;;) {
    const text = encodeFrame(fitted)
    if (text.length <= Math.min(SURELY_FITS, maxBytes / 4) || Buffer.byteLength(text) <= maxBytes) return text
    const smaller = cut(fitted)
    if (!smaller) return text
    fitted = smaller
  }
}

function cut(frame: AgentFrame | HubFrame): AgentFrame | HubFrame | undefined {
  if (frame.kind === 'lines') return undefined
  if (frame.kind === 'hello') {
    const { highest, ...rest } = frame
    return highest === undefined ? undefined : rest
  }
  // The calendar that came along is fetched like any other document.
  if (frame.kind === 'changed' && frame.calendar !== undefined) return { kind: 'changed', upTo: frame.upTo }
  const lists = Object.entries(frame).filter(([, value]) => Array.isArray(value) && value.length > 0)
  if (lists.length === 0) return undefined
  const halves = lists.map(([name, list]: [string, readonly unknown[]]) => [name, list.slice(0, list.length >> 1)])
  return { ...frame, ...Object.fromEntries(halves) }
}
