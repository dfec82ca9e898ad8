import { textAt } from '../../json/read-json.ts'
import { health } from '../health-rule.ts'
import { coded, condition, goodWhenTrue, MESSAGE, rule, type ShippedRule } from './parts.ts'

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
  coded('kubernetes-client.io/ExternalSecret', object => {
    const status = textAt(object, 'status', 'status')
    if (status === 'SUCCESS') return health('Healthy', 'Fetched ExternalSecret.')
    if (status.startsWith('ERROR')) return health('Degraded', status.replace('ERROR, ', ''))
    return health('Progressing', 'Waiting for ExternalSecret.')
  }),
  rule('onepassword.com/OnePasswordItem', goodWhenTrue('Ready'), 'Waiting for controller to report status'),
]
