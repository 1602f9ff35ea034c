// Certificates for servers of tests, and the authority that signed them, all in PEM.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

export interface Identity {
  readonly key: string;
  readonly chain: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const notBefore = new Date(Date.UTC(2020, 0, 1));
const LONG = Date.UTC(2040, 0, 1);

export async function certificateOf(
  names: readonly string[],
): Promise<Identity & { readonly authority: string }> {
  const authority = await TestAuthority.create();
  return { authority: authority.certificate, ...(await authority.issue(names, LONG)) };
}

/** A good one for files.example and downgrade.example, one that is over, and one of a client. */
export async function webCertificates() {
  const authority = await TestAuthority.create();
  return {
    authority: authority.certificate,
    valid: await authority.issue(['files.example', 'downgrade.example'], LONG),
    client: await authority.issue(['client.example'], LONG),
    expired: await authority.issue(['old.example'], Date.UTC(2021, 0, 1)),
  };
}

const newKeys = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
type Keys = Awaited<ReturnType<typeof newKeys>>;

class TestAuthority {
  readonly #keys: Keys;
  readonly #certificate: x509.X509Certificate;
  #issued = 1;

  private constructor(keys: Keys, certificate: x509.X509Certificate) {
    this.#keys = keys;
    this.#certificate = certificate;
  }

  static async create(): Promise<TestAuthority> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name: 'CN=Test authority',
      notBefore,
      notAfter: new Date(Date.UTC(2045, 0, 1)),
      signingAlgorithm: algorithm,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    return new TestAuthority(keys, certificate);
  }

  get certificate(): string {
    return this.#certificate.toString('pem');
  }

  async issue(names: readonly string[], endsAt: number): Promise<Identity> {
    const keys = await newKeys();
    const alternatives = names.map((value) => ({ type: 'dns' as const, value }));
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: String(++this.#issued).padStart(2, '0'),
      subject: 'CN=Test server',
      issuer: this.#certificate.subject,
      notBefore,
      notAfter: new Date(endsAt),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [new x509.SubjectAlternativeNameExtension(alternatives)],
    });
    const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
    return {
      key: `-----BEGIN PRIVATE KEY-----\n${key.toString('base64')}\n-----END PRIVATE KEY-----\n`,
      chain: certificate.toString('pem'),
    };
  }
}
