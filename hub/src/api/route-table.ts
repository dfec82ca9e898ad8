import { applicationRoutes } from './handlers/applications.ts'
import { deletionRoutes } from './handlers/deletions.ts'
import { describingRoutes } from './handlers/describe.ts'
import { fleetRoutes } from './handlers/fleet.ts'
import { operationRoutes } from './handlers/operations.ts'
import { previewRoutes } from './handlers/preview.ts'
import { recoveryRoutes } from './handlers/recovery.ts'
import { systemRoutes } from './handlers/system.ts'
import { watchRoutes } from './handlers/watch.ts'
import { webhookRoutes } from './handlers/webhooks.ts'
import type { Route } from './route.ts'

/**
 * The whole API: method, path, who may call it, what goes in and out. Express, OpenAPI and the page are made from
 * this table, and there is no other way to add a route.
 */
export const ROUTE_TABLE: readonly Route[] = [
  ...systemRoutes,
  ...recoveryRoutes,
  ...fleetRoutes,
  ...applicationRoutes,
  ...operationRoutes,
  ...deletionRoutes,
  ...previewRoutes,
  ...watchRoutes,
  ...webhookRoutes,
  ...describingRoutes(() => ROUTE_TABLE),
]
