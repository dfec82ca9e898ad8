/** A part of a Go layout: a text as it is, or what stands for a part of a time (`2006`, `Jan`, `-07:00`). */
export interface LayoutPart {
  /** Text before the element. */
  readonly prefix: string
  /** Empty after the last element. */
  readonly element: string
  /** Digits of a fraction of a second. */
  readonly digits?: number
}

const ELEMENT =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|0[1-6]|002|15|1|2006|_2006|__2|_2|2|3|4|5|PM|pm|-070000|-07:00:00|-0700|-07:00|-07|Z070000|Z07:00:00|Z0700|Z07:00|Z07|[.,](?:0+|9+)(?![0-9])/g

/** A layout in parts; the last has no element. */
export function layoutParts(layout: string): readonly LayoutPart[] {
  const parts: LayoutPart[] = []
  let end = 0
  for (const match of layout.matchAll(ELEMENT)) {
    // `_2006` is a `_` and a year.
    const underscore = match[0] === '_2006' ? 1 : 0
    const element = match[0].slice(underscore)
    const fraction = /^[.,]/.test(element)
    parts.push({
      prefix: layout.slice(end, match.index + underscore),
      element,
      ...(fraction && { digits: element.length - 1 }),
    })
    end = match.index + match[0].length
  }
  return [...parts, { prefix: layout.slice(end), element: '' }]
}
