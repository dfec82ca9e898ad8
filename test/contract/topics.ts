import type { Row } from './row.ts'
import { access } from './rows/access.ts'
import { admission } from './rows/admission.ts'
import { apply } from './rows/apply.ts'
import { applyLists } from './rows/apply-lists.ts'
import { applyOptions } from './rows/apply-options.ts'
import { controllers } from './rows/controllers.ts'
import { customResources } from './rows/custom-resources.ts'
import { deletion } from './rows/deletion.ts'
import { discovery } from './rows/discovery.ts'
import { lists } from './rows/lists.ts'
import { namespaces } from './rows/namespaces.ts'
import { objects } from './rows/objects.ts'
import { ownership } from './rows/ownership.ts'
import { patch } from './rows/patch.ts'
import { validation } from './rows/validation.ts'
import { watch } from './rows/watch.ts'

/** The whole contract, by topic. */
export const topics: Readonly<Record<string, readonly Row[]>> = {
  discovery,
  objects,
  namespaces,
  lists,
  watch,
  patch,
  deletion,
  'server-side apply': apply,
  'server-side apply: who owns what': ownership,
  'server-side apply: lists, maps, null and nothing': applyLists,
  'server-side apply: dry run and validation': applyOptions,
  'custom resources': customResources,
  validation,
  'access, leases, events': access,
  'admission policies': admission,
  controllers,
}
