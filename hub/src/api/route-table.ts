import { activityRoutes } from './handlers/activity.ts'
import { adminRightRoutes } from './handlers/admin-rights.ts'
import { applicationPartRoutes } from './handlers/application-parts.ts'
import { applicationRoutes } from './handlers/applications.ts'
import { auditRoutes } from './handlers/audit.ts'
import { bulkOperationRoutes } from './handlers/bulk-operations.ts'
import { canRoutes } from './handlers/can.ts'
import { clusterRoutes } from './handlers/clusters.ts'
import { confirmationRoutes } from './handlers/confirmations.ts'
import { decisionRoutes } from './handlers/decisions.ts'
import { deletionRoutes } from './handlers/deletions.ts'
import { describingRoutes } from './handlers/describe.ts'
import { enrolmentRoutes } from './handlers/enrolments.ts'
import { fleetRoutes } from './handlers/fleet.ts'
import { followedOperationRoutes } from './handlers/followed-operations.ts'
import { freezeRoutes } from './handlers/freezes.ts'
import { gateCalendarRoutes } from './handlers/gate-calendar.ts'
import { hubKeyRoutes } from './handlers/hub-keys.ts'
import { joinTokenRoutes } from './handlers/join-tokens.ts'
import { notificationRoutes } from './handlers/notifications.ts'
import { operationRoutes } from './handlers/operations.ts'
import { overrideRoutes } from './handlers/overrides.ts'
import { pinRoutes } from './handlers/pins.ts'
import { previewRoutes } from './handlers/preview.ts'
import { projectRoutes } from './handlers/projects.ts'
import { recoveryRoutes } from './handlers/recovery.ts'
import { scheduledSyncRoutes } from './handlers/scheduled-syncs.ts'
import { signInRoutes } from './handlers/sign-in.ts'
import { streamRoutes } from './handlers/streams.ts'
import { systemRoutes } from './handlers/system.ts'
import { teamRoutes } from './handlers/teams.ts'
import { tokenRoutes } from './handlers/tokens.ts'
import { versionRoutes } from './handlers/versions.ts'
import { watchRoutes } from './handlers/watch.ts'
import { webhookRoutes } from './handlers/webhooks.ts'
import { windowRoutes } from './handlers/windows.ts'
import type { Route } from './route.ts'

/**
 * The whole API: method, path, who may call it, what goes in and out. Express, OpenAPI and the page are made from
 * this table, and there is no other way to add a route.
 */
export const ROUTE_TABLE: readonly Route[] = [
  ...systemRoutes,
  ...operationRoutes,
  ...bulkOperationRoutes,
  ...followedOperationRoutes,
  ...pinRoutes,
  ...recoveryRoutes,
  ...fleetRoutes,
  ...clusterRoutes,
  ...joinTokenRoutes,
  ...enrolmentRoutes,
  ...hubKeyRoutes,
  ...projectRoutes,
  ...teamRoutes,
  ...canRoutes,
  ...adminRightRoutes,
  ...applicationRoutes,
  ...applicationPartRoutes,
  ...versionRoutes,
  ...streamRoutes,
  ...deletionRoutes,
  ...confirmationRoutes,
  ...freezeRoutes,
  ...windowRoutes,
  ...overrideRoutes,
  ...scheduledSyncRoutes,
  ...decisionRoutes,
  ...gateCalendarRoutes,
  ...auditRoutes,
  ...activityRoutes,
  ...notificationRoutes,
  ...tokenRoutes,
  ...signInRoutes,
  ...previewRoutes,
  ...watchRoutes,
  ...webhookRoutes,
  ...describingRoutes(() => ROUTE_TABLE),
]
