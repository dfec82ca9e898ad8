import { condition, equals, goodWhenTrue, MESSAGE, rule, type ShippedRule, starts } from './parts.ts'
import { part } from './value-parts.ts'

/** cert-manager, Sealed Secrets, External Secrets, 1Password, SOPS. */
export const certificateAndSecretRules: readonly ShippedRule[] = [
  rule(
    'cert-manager.io/Certificate',
    [[condition('Issuing', 'True'), 'Progressing', MESSAGE], ...goodWhenTrue('Ready')],
    'Waiting for certificate',
  ),
  rule('certmanager.k8s.io/Certificate', goodWhenTrue('Ready'), 'Waiting for certificate'),
  rule(['cert-manager.io/Issuer', 'certmanager.k8s.io/Issuer'], goodWhenTrue('Ready'), 'Initializing issuer'),
  rule('cert-manager.io/ClusterIssuer', goodWhenTrue('Ready'), 'Initializing ClusterIssuer'),
  rule('bitnami.com/SealedSecret', goodWhenTrue('Synced'), 'Waiting for Sealed Secret to be decrypted'),
  rule(
    [
      'external-secrets.io/ExternalSecret',
      'external-secrets.io/SecretStore',
      'external-secrets.io/ClusterSecretStore',
      'external-secrets.io/PushSecret',
    ],
    goodWhenTrue('Ready'),
    'Waiting for {kind}',
  ),
  rule(
    'external-secrets.io/ClusterExternalSecret',
    [
      [condition('Ready', 'True'), 'Healthy', MESSAGE],
      [condition(['NotReady', 'PartiallyReady'], 'True'), 'Degraded', MESSAGE],
    ],
    'Waiting for ClusterExternalSecret',
  ),
  rule(
    'kubernetes-client.io/ExternalSecret',
    [
      [equals('status.status', 'SUCCESS'), 'Healthy', 'Fetched ExternalSecret.'],
      [starts('status.status', 'ERROR'), 'Degraded', '{$error|status.status}'],
    ],
    'Waiting for ExternalSecret.',
    { error: part('status.status', 'ERROR, ', 1) },
  ),
  rule('onepassword.com/OnePasswordItem', goodWhenTrue('Ready'), 'Waiting for controller to report status'),
]
