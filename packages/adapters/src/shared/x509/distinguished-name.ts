// SPDX-License-Identifier: Apache-2.0
import { present } from '@outrider/domain/kernel/assert';
import { type DerElement, readWhole, within } from './der-read.ts';
import { oid, sequence, setOf, TAG, utf8 } from './der-write.ts';

/** Attributes of names that we write and read (RFC 5280 appendix A.1). */
const COMMON_NAME = '2.5.4.3';
const SERIAL_NUMBER = '2.5.4.5';

/** The subject of a certificate: the id of a device, or the name of a CA; for a device the id of its key beside it. */
export interface DistinguishedName {
  readonly commonName: string;
  /** In the attribute `serialNumber`, which stands for the serial number of a thing, not of the certificate. */
  readonly keyId?: string;
}

/** Writes a name. */
export function nameOf({ commonName, keyId }: DistinguishedName): Buffer {
  const parts = [attribute(COMMON_NAME, commonName)];
  if (keyId !== undefined) parts.push(attribute(SERIAL_NUMBER, keyId));
  return sequence(...parts);
}

/** The common name that a name holds; undefined when it holds none or more than one. */
export function commonNameIn(name: DerElement): string | undefined {
  return attributeIn(name, COMMON_NAME);
}

/** The id of a key that a name holds beside the common name; undefined when it holds none or more than one. */
export function keyIdIn(name: DerElement): string | undefined {
  return attributeIn(name, SERIAL_NUMBER);
}

function attributeIn(name: DerElement, type: string): string | undefined {
  const wanted = oid(type);
  const texts: string[] = [];
  for (const set of within(name, TAG.sequence) ?? []) {
    for (const pair of within(set, TAG.set) ?? []) {
      const [found, value] = within(pair, TAG.sequence) ?? [];
      if (found === undefined || value === undefined || !wanted.equals(found.whole)) continue;
      if (value.tag !== TAG.utf8 && value.tag !== TAG.printable) return undefined;
      texts.push(Buffer.from(value.content).toString('utf8'));
    }
  }
  return texts.length === 1 ? texts[0] : undefined;
}

/** The subject of a certificate, DER, exactly as it stands there. */
export function subjectIn(certificate: Uint8Array): Uint8Array {
  const [body] = within(readWhole(certificate), TAG.sequence) ?? [];
  const subject = within(body, TAG.sequence)?.[SUBJECT_FIELD];
  return present(subject, 'a certificate that OpenSSL has read').whole;
}

/** Of a version 3 certificate: version, serial, algorithm, issuer, validity, subject (RFC 5280 §4.1). */
const SUBJECT_FIELD = 5;

function attribute(type: string, text: string): Buffer {
  return setOf(sequence(oid(type), utf8(text)));
}
