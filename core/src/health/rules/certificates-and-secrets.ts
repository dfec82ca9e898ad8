import {
  all,
  condition,
  earlier,
  equals,
  filled,
  goodWhenTrue,
  MESSAGE,
  rule,
  type ShippedRule,
  some,
  starts,
} from './parts.ts'
import { part, texts } from './value-parts.ts'

/** How an ACME server ends a challenge or an order that it does not grant. */
const ACME_FAILED = equals('status.state', 'invalid', 'expired', 'errored')

/** cert-manager and its trust-manager, Sealed Secrets, External Secrets, 1Password, SOPS. */
export const certificateAndSecretRules: readonly ShippedRule[] = [
  rule(
    'cert-manager.io/Certificate',
    [[condition('Issuing', 'True'), 'Progressing', MESSAGE], ...goodWhenTrue('Ready')],
    'Waiting for certificate',
  ),
  rule('certmanager.k8s.io/Certificate', goodWhenTrue('Ready'), 'Waiting for certificate'),
  rule(['cert-manager.io/Issuer', 'certmanager.k8s.io/Issuer'], goodWhenTrue('Ready'), 'Initializing issuer'),
  rule('cert-manager.io/ClusterIssuer', goodWhenTrue('Ready'), 'Initializing ClusterIssuer'),
  rule(
    'trust.cert-manager.io/Bundle',
    [
      [condition('Synced', 'True'), 'Healthy', "{condition.message|'Bundle is synced'}"],
      [condition('Synced'), 'Degraded', "{condition.message|condition.reason|'Bundle is not synced'}"],
    ],
    'Waiting for Bundle to be synced',
  ),
  rule(
    'acme.cert-manager.io/Challenge',
    [
      [equals('status.state', 'valid'), 'Healthy', 'Challenge is valid'],
      [ACME_FAILED, 'Degraded', '{status.reason|$state}'],
      [filled('status.state'), 'Progressing', '{status.reason|$state}'],
    ],
    'Waiting for challenge',
    { state: texts('', 'Challenge is {status.state}') },
  ),
  rule(
    'acme.cert-manager.io/Order',
    [
      [equals('status.state', 'valid'), 'Healthy', 'Order is valid'],
      [ACME_FAILED, 'Degraded', '{status.reason|$state}'],
      [filled('status.state'), 'Progressing', '{$state}'],
    ],
    'Waiting for order',
    { state: texts('', 'Order is {status.state}') },
  ),
  rule('bitnami.com/SealedSecret', goodWhenTrue('Synced'), 'Waiting for Sealed Secret to be decrypted'),
  rule(
    'external-secrets.io/ExternalSecret',
    [
      // One that is read again only when it changes says of its last reading what it said of an earlier spec.
      [
        all(
          equals('spec.refreshPolicy', 'OnChange'),
          some(
            'status.conditions',
            all(equals('entry.type', 'Ready'), earlier('entry.lastTransitionTime', 'status.refreshTime')),
          ),
        ),
        'Progressing',
        'Waiting for ExternalSecret',
      ],
      ...goodWhenTrue('Ready'),
    ],
    'Waiting for ExternalSecret',
  ),
  rule(
    ['external-secrets.io/SecretStore', 'external-secrets.io/ClusterSecretStore', 'external-secrets.io/PushSecret'],
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
