import { ENCODING_HELPERS } from './encodings.ts'
import type { Helper } from './helper.ts'
import { LIST_HELPERS } from './lists.ts'
import { LOGIC_HELPERS } from './logic.ts'
import { MISSING_HELPERS } from './missing.ts'
import { NUMBER_HELPERS } from './numbers.ts'
import { TEXT_HELPERS } from './texts.ts'

/** Every helper by its name, in the order of docs/handlebars.md. */
export const HELPERS: ReadonlyMap<string, Helper> = new Map(
  [...MISSING_HELPERS, ...LOGIC_HELPERS, ...TEXT_HELPERS, ...LIST_HELPERS, ...NUMBER_HELPERS, ...ENCODING_HELPERS].map(
    helper => [helper.name, helper],
  ),
)
