import { argoRules } from './argo.ts'
import { backupRules } from './backups.ts'
import { certificateAndSecretRules } from './certificates-and-secrets.ts'
import { clusterRules } from './clusters.ts'
import { cloudRules } from './crossplane.ts'
import { databaseRules } from './databases.ts'
import { fluxRules } from './flux.ts'
import { gatewayRules } from './gateways.ts'
import { knativeRules } from './knative.ts'
import { numaprojAndKeptnRules } from './numaproj-and-keptn.ts'
import { observabilityRules } from './observability.ts'
import type { ShippedRule } from './parts.ts'
import { policyRules } from './policies.ts'
import { promoterRules } from './promoter.ts'
import { storageAndServiceRules } from './storage-and-services.ts'
import { tenantRules } from './tenants.ts'
import { workloadRules } from './workloads.ts'

/** The rules for kinds that are no part of Kubernetes itself. A new family is a file and a line here. */
export const SHIPPED_RULES: readonly ShippedRule[] = [
  ...argoRules,
  ...promoterRules,
  ...fluxRules,
  ...certificateAndSecretRules,
  ...gatewayRules,
  ...knativeRules,
  ...cloudRules,
  ...databaseRules,
  ...workloadRules,
  ...observabilityRules,
  ...clusterRules,
  ...policyRules,
  ...numaprojAndKeptnRules,
  ...storageAndServiceRules,
  ...tenantRules,
  ...backupRules,
]
