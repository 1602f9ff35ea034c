// The kubeconfig with which kubectl and the operator reach the embedded server.
import { stringify } from 'yaml';

export interface KubeconfigParts {
  readonly url: string;
  /** PEM, absent for plain HTTP. */
  readonly caCertificate: string | undefined;
  readonly token: string;
}

const NAME = 'poolkeeper';

export function kubeconfigText(parts: KubeconfigParts): string {
  const { url, caCertificate, token } = parts;
  const authority = caCertificate
    ? { 'certificate-authority-data': Buffer.from(caCertificate).toString('base64') }
    : {};
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: NAME, cluster: { server: url, ...authority } }],
      users: [{ name: NAME, user: { token } }],
      contexts: [{ name: NAME, context: { cluster: NAME, user: NAME, namespace: 'default' } }],
      'current-context': NAME,
      preferences: {},
    },
    { lineWidth: 0 },
  );
}
