/** A kubeconfig with one cluster and one identity; JSON is YAML, so every client reads it as it is. */
export interface Kubeconfig {
  readonly apiVersion: 'v1'
  readonly kind: 'Config'
  readonly 'current-context': string
  readonly clusters: readonly [
    {
      readonly name: string
      readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string }
    },
  ]
  readonly users: readonly [{ readonly name: string; readonly user: { readonly token: string } }]
  readonly contexts: readonly [
    { readonly name: string; readonly context: { readonly cluster: string; readonly user: string } },
  ]
}

/** @param certificateAuthority PEM. */
export function kubeconfig(
  cluster: string,
  url: string,
  certificateAuthority: string,
  user: string,
  token: string,
): Kubeconfig {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': cluster,
    clusters: [
      {
        name: cluster,
        cluster: {
          server: url,
          'certificate-authority-data': Buffer.from(certificateAuthority).toString('base64'),
        },
      },
    ],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: cluster, context: { cluster, user } }],
  }
}
