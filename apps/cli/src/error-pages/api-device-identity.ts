// SPDX-License-Identifier: Apache-2.0
import type { ProblemCode } from '@outrider/protocol/kernel/problem';
import { type CodeText, UNTOUCHED } from './area.ts';

/** Codes about devices that register, sign and show certificates. */
export const DEVICE_IDENTITY_CODES = {
  'device-unknown': [
    'A device sent a signed request under an id that is not registered here.',
    'The device was told nothing and offered nothing.',
    'Register it (`POST /v1/register`). If many devices see this at once they talk to the wrong server, or its database was restored from before they registered.',
  ],
  'device-not-found': [
    'Somebody asked about a device that is not registered.',
    UNTOUCHED,
    'Look for it with `outrider device list --where "id = <beginning>*"`, and among those announced with `--expected`.',
  ],
  'device-mismatch': [
    'The body of a message names another device than the header that it was signed under.',
    'The message counts for neither of them.',
    'This is a fault of the device software, or somebody replays messages: look at who sent it.',
  ],
  'signature-invalid': [
    'The signature is not one of the registered key over method, path and the exact body.',
    'The message counted for nothing; a forged message has no effect.',
    'Look whether something between device and server rewrites bodies. One device alone: its key was lost or exchanged, give it a new id.',
  ],
  'certificate-untrusted': [
    'A request to the open port carries the headers by which a terminator of TLS names a client certificate.',
    'They were not believed: the request counted for nothing.',
    'Give the terminator the socket of `--terminator-socket`, and let it remove these headers from what clients send. Otherwise somebody tries to pass for a device: look at who sent it.',
  ],
  'certificate-malformed': [
    'The terminator names a client certificate, and one of the three headers is missing or not what it should be.',
    'The request counted for nothing.',
    'Compare the configuration of the terminator with the page of the terminator; the common name of a certificate is the id of its device.',
  ],
  'registration-token-invalid': [
    'A device showed another registration token than that of this installation.',
    'It was not registered.',
    'Compare the token on the device with `outrider device token`.',
  ],
  'registration-token-used': [
    'A device showed a registration token that as many devices as it is for have registered with already.',
    'It was not registered. Devices that did register with it may repeat that, with their own key.',
    'Make another with `outrider device token`. If nobody here used it, it was stolen: `outrider device tokens` and the audit log say when, and `outrider device revoke` shuts out who did.',
  ],
  'registration-token-expired': [
    'A device showed a registration token that has run out.',
    'It was not registered.',
    'Make another with `outrider device token`, with `--hours` if it has a long way to go.',
  ],
  'registration-token-for-another': [
    'A device showed a registration token that was made for another device.',
    'It was not registered, and the token is as good for its own device as before.',
    'Compare the id of the device with the one that the token was made for (`outrider device tokens`).',
  ],
  'factory-unknown-ca': [
    'A device showed a factory certificate that leads to none of the CAs that are pinned here.',
    'It was not registered.',
    'Pin the CA of the factory with `outrider ca pin-factory`, if it is one of yours, and start the server again.',
  ],
  'factory-certificate-expired': [
    'The factory certificate of a device, or a CA above it, is not in date.',
    'It was not registered.',
    'Let it register with a token instead: `outrider device token --device-id <id>`.',
  ],
  'factory-certificate-for-another': [
    'The common name of the factory certificate is not the id that the device wants to register.',
    'It was not registered.',
    'A device registers under the name that its factory gave it; look at its settings.',
  ],
  'factory-proof-invalid': [
    'The device has not shown that it holds the key of the factory certificate: the signature over its id and its new key does not verify.',
    'It was not registered: a copied certificate alone is worth nothing.',
    'Compare the text that the device signs with the page of the device protocol.',
  ],
  'key-already-registered': [
    'A device wants to register with a key that another device has.',
    'It was not registered, and the other device is as it was.',
    'Look at both: an image with a key in it was copied to several devices, or a device was cloned. Each has to make a key of its own.',
  ],
  'csr-malformed': [
    'The certificate request of a device is no PKCS#10 that is signed by its own key, or the key is neither Ed25519, P-256 nor RSA of 2,048 to 4,096 bits.',
    'Nothing was issued, and no token was used up.',
    'Compare it with the page of the device protocol; `openssl req -inform DER -verify` shows what it holds.',
  ],
  'csr-for-another': [
    'The certificate request names another device, or holds another key, than the device that sent it has.',
    'Nothing was issued.',
    'This is a fault of the device software, or somebody tries to get a certificate for another device: look at who sent it.',
  ],
  'key-kind-unsupported': [
    'A device wants to register with a key, or to have a certificate for one, that is not Ed25519: P-256 and RSA do not sign reports here.',
    'It was not registered, and no token was used up.',
    'Make an Ed25519 key on the device. One that can hold none takes part over DDI: `outrider device add --ddi`, then `outrider ddi certificate`.',
  ],
  'ca-missing': [
    'A device ordered a certificate, and this server has no CA.',
    'It goes on by signing its requests.',
    'Make one with `outrider ca init`, or take your own with `outrider ca adopt`.',
  ],
  'ca-expired': [
    'The online CA for devices has run out: what it signs would be worth nothing.',
    'Certificates that are in date go on working; devices whose certificate has run out sign their requests.',
    'Renew it with `outrider ca renew` and start the server again: see the runbook of an expired CA.',
  ],
  'certificate-expired': [
    'A device came with a certificate that has run out.',
    'It was offered nothing and permitted nothing.',
    'Nothing: it orders a new one by its key (`POST /v1/certificate`). If many do at once, look at the clocks of servers and terminator.',
  ],
  'certificate-unknown-ca': [
    'A device came with a certificate that the CA of this installation has not signed.',
    'It was told nothing.',
    'A device of another installation, or of one that was replaced. If many do: the terminator trusts another CA than the server has, see `outrider ca show`.',
  ],
  'certificate-superseded': [
    'A device came with a certificate for a key that it does not have any more: it was given a new one.',
    'Nothing was told to whoever holds the former key.',
    'If the former key was stolen this is the thief: the audit log has the revocation, the log of the terminator the address.',
  ],
  'device-revoked': [
    'The key of the device has been revoked by a person.',
    'Whoever holds the key is told nothing, offered nothing and permitted nothing, on open connections too.',
    'See why with `outrider device identity <id>`. The device comes back with a new key and a token made for it, or, if it was a mistake, by `outrider device reinstate`.',
  ],
  'key-revoked-already': [
    'The key of the device has been revoked before.',
    UNTOUCHED,
    'See who did it and why with `outrider device identity <id>`.',
  ],
  'key-not-revoked': [
    'The key of the device is not revoked.',
    UNTOUCHED,
    'Look at the id: `outrider device identity <id>` shows how it stands.',
  ],
  'tpm-not-enrolled': [
    'There is no TPM of this device to be forgotten.',
    UNTOUCHED,
    'Nothing: its next quote enrols one. `outrider device show` says what is enrolled.',
  ],
  'device-key-differs': [
    'The id is registered, or was announced, with another key.',
    'The device that holds the key keeps its id; the newcomer got nothing.',
    'A device that was wiped takes a new id. If nothing was wiped, somebody tries to take over an id: look at where the requests come from.',
  ],
  'device-not-as-expected': [
    'A device registers under an announced id with another type, model or hardware than was announced.',
    'It was not registered, so no image for the wrong hardware can follow.',
    'Look at the announcement (`outrider device list --expected`) and at the label of the device; correct the announcement by an import, or the configuration of the device.',
  ],
  'key-id-differs': [
    'The key id in a registration is not the SHA-256 of the key.',
    'The device was not registered.',
    'Correct the device software: the key id is the hash of the 32 raw bytes, in hexadecimal.',
  ],
} as const satisfies Partial<Record<ProblemCode, CodeText>>;
