/**
 * A certificate that a key signs for itself, as TLS wants one around a public key. Peers trust it by the key's
 * fingerprint (fingerprint.ts). So nothing in it is secret, names a host, or expires.
 */

import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  Certificate,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Time,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

const ID_ED25519 = '1.3.101.112'; // RFC 8410, section 3
const ID_COMMON_NAME = '2.5.4.3';
const SERIAL_BYTES = 16;
/** RFC 5280, section 4.1.2.5: the end of a certificate that does not expire. */
const NEVER = new Date('9999-12-31T23:59:59Z');
const BEGIN = new Date('2020-01-01T00:00:00Z');

/** @param keys ed25519 keys. @returns PEM */
export function selfSignedCertificate(keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }): string {
  const algorithm = new AlgorithmIdentifier({ algorithm: ID_ED25519 });
  const name = commonName('wag-snap');
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = (serial[0] & 0x7f) | 1; // a positive number, in as few bytes as it takes
  const tbs = new TBSCertificate({
    version: Version.v3,
    serialNumber: exact(serial),
    signature: algorithm,
    issuer: name,
    validity: new Validity({ notBefore: BEGIN, notAfter: NEVER }),
    subject: name,
    subjectPublicKeyInfo: AsnConvert.parse(
      keys.publicKey.export({ type: 'spki', format: 'der' }),
      SubjectPublicKeyInfo,
    ),
  });
  tbs.validity.notAfter = new Time(NEVER);
  const signed = sign(null, Buffer.from(AsnConvert.serialize(tbs)), keys.privateKey);
  const certificate = new Certificate({
    tbsCertificate: tbs,
    signatureAlgorithm: algorithm,
    signatureValue: exact(signed),
  });
  return pem(Buffer.from(AsnConvert.serialize(certificate)));
}

function commonName(text: string): Name {
  const value = new AttributeValue({ utf8String: text });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: ID_COMMON_NAME, value })])]);
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** A copy of the bytes alone, as they may be a part of a pool. */
function exact(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
