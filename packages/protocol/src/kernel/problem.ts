// SPDX-License-Identifier: Apache-2.0
import type { Json } from '@outrider/domain/kernel/canonical-json';
import type { Result } from '@outrider/domain/kernel/result';
import { encodeJson, parseText } from './json-text.ts';
import { REQUEST_BYTES_MAX } from './limits.ts';
import type { ParseError } from './parse-error.ts';
import { record, text, whole } from './reader.ts';

/** Every error of the HTTP edge: its status and its title. Codes never change, titles may. */
export const PROBLEMS = {
  'request-malformed': { status: 400, title: 'The request is not HTTP/1.1' },
  'request-timeout': { status: 408, title: 'The request did not come in time' },
  'headers-too-large': { status: 431, title: 'The head of the request is larger than this server takes' },
  'body-malformed': { status: 400, title: 'The body is not the message it should be' },
  'body-too-large': { status: 413, title: 'The body is larger than this route takes' },
  'body-too-slow': { status: 408, title: 'The body does not come fast enough' },
  'media-type-unsupported': { status: 415, title: 'The body has a media type that this route does not take' },
  'route-unknown': { status: 404, title: 'There is nothing at this path' },
  'served-elsewhere': { status: 421, title: 'Another server of this installation answers this' },
  'method-not-allowed': { status: 405, title: 'This path does not take this method' },
  'device-unknown': { status: 401, title: 'No device is registered under this id' },
  'device-not-found': { status: 404, title: 'There is no device with this id' },
  'device-mismatch': { status: 403, title: 'The message names another device than the one that signed it' },
  'signature-invalid': { status: 401, title: 'The signature is not the device key over this request' },
  'certificate-untrusted': { status: 403, title: 'Only the socket of the terminator may name a client certificate' },
  'certificate-malformed': { status: 400, title: 'The terminator has named a client certificate that cannot be read' },
  'registration-token-invalid': { status: 401, title: 'The registration token is not valid' },
  'registration-token-used': { status: 401, title: 'The registration token is used up' },
  'registration-token-expired': { status: 401, title: 'The registration token has run out' },
  'registration-token-for-another': { status: 401, title: 'The registration token is for another device' },
  'factory-unknown-ca': { status: 401, title: 'The factory certificate leads to no pinned factory' },
  'factory-certificate-expired': { status: 401, title: 'The factory certificate has run out' },
  'factory-certificate-for-another': { status: 401, title: 'The factory certificate is for another device' },
  'factory-proof-invalid': { status: 401, title: 'The device has not shown that it holds the factory key' },
  'key-already-registered': { status: 409, title: 'Another device is registered with this key' },
  'csr-malformed': { status: 400, title: 'The certificate request cannot be used' },
  'csr-for-another': { status: 403, title: 'The certificate request is for another device or key' },
  'key-kind-unsupported': { status: 422, title: 'The key of the device is of a kind that cannot sign its reports' },
  'ca-missing': { status: 409, title: 'The server has no CA for devices' },
  'ca-expired': { status: 503, title: 'The CA for devices has run out' },
  'certificate-expired': { status: 401, title: 'The certificate of the device has run out' },
  'certificate-unknown-ca': { status: 401, title: 'The certificate is not of the CA of this installation' },
  'certificate-superseded': { status: 401, title: 'The certificate is for a former key of the device' },
  'device-revoked': { status: 403, title: 'The key of the device has been revoked' },
  'key-revoked-already': { status: 409, title: 'The key of the device has been revoked before' },
  'tpm-not-enrolled': { status: 409, title: 'No TPM of the device is enrolled' },
  'key-not-revoked': { status: 409, title: 'The key of the device is not revoked' },
  'device-key-differs': { status: 409, title: 'The device is registered with another key' },
  'device-not-as-expected': { status: 409, title: 'The device is not the one that was announced under this id' },
  'key-id-differs': { status: 400, title: 'The key id is not the SHA-256 of the public key' },
  'token-invalid': { status: 401, title: 'The bearer token is missing or not valid' },
  'token-revoked': { status: 401, title: 'The service token was revoked' },
  'token-expired': { status: 401, title: 'The token has expired' },
  'token-not-yet-valid': { status: 401, title: 'The token is from the future: two clocks differ' },
  'token-signature-invalid': { status: 401, title: 'The signature of the token is not valid' },
  'token-algorithm-refused': { status: 401, title: 'The token is signed by an algorithm that is not allowed' },
  'token-key-unknown': { status: 401, title: 'The token is signed by a key that the issuer does not publish' },
  'token-issuer-differs': { status: 401, title: 'The token is of another issuer' },
  'token-audience-differs': { status: 401, title: 'The token is meant for somebody else' },
  'session-expired': { status: 401, title: 'The session has ended' },
  'csrf-missing': { status: 403, title: 'The change did not come from the page of this server' },
  'role-missing': { status: 403, title: 'None of your roles allows this' },
  'out-of-reach': { status: 403, title: 'This is beyond the customers and regions of your roles' },
  'person-blocked': { status: 403, title: 'The person is shut out' },
  'person-without-role': { status: 403, title: 'The issuer gives the person no role here' },
  'person-id-unfit': { status: 403, title: 'The issuer calls the person by a name that cannot stand in the logs' },
  'credential-unfit': { status: 403, title: 'This takes another proof of who one is' },
  'author-differs': { status: 403, title: 'The change names another author than the person who sends it' },
  'approver-is-author': { status: 403, title: 'Nobody approves what they planned themselves' },
  'issuer-unreachable': { status: 503, title: 'The issuer of sign-ins cannot be reached at the moment' },
  'sign-in-state-differs': { status: 400, title: 'The answer of the issuer belongs to no sign-in of this browser' },
  'sign-in-refused': { status: 403, title: 'The issuer refused the sign-in, or its answer cannot be believed' },
  'token-exists': { status: 409, title: 'A service token of this name is in force' },
  'token-unknown': { status: 404, title: 'There is no service token in force with this id' },
  'blob-unknown': { status: 404, title: 'No blob is stored under this digest' },
  'document-unknown': { status: 404, title: 'The repository has no document of this name' },
  'range-unsatisfiable': { status: 416, title: 'The range lies outside the blob' },
  'digest-mismatch': { status: 422, title: 'The bytes do not have the digest they should have' },
  'image-missing': { status: 422, title: 'The manifest names an image whose bytes have not been uploaded' },
  'image-size-differs': { status: 422, title: 'The image has another length than the manifest says' },
  'blocks-differ': { status: 422, title: 'The block list does not match the image' },
  'release-unknown': { status: 404, title: 'No release is published under this id' },
  'release-exists': { status: 409, title: 'A release with this id, version or counter is already published' },
  'release-withdrawn': { status: 409, title: 'The release has been withdrawn' },
  'release-role-missing': { status: 409, title: 'The server has not been told who may sign releases' },
  'release-unvouched': { status: 422, title: 'The image repository cannot vouch for the release' },
  'manifest-invalid': { status: 422, title: 'The release manifest breaks a rule' },
  'payload-type-unexpected': { status: 422, title: 'The envelope holds another kind of document' },
  'role-invalid': { status: 409, title: 'The role that may sign cannot be trusted itself' },
  'threshold-not-met': { status: 422, title: 'Too few groups have signed the document' },
  'delta-failed': { status: 422, title: 'A delta could not be made or did not verify' },
  'rollout-unknown': { status: 404, title: 'There is no rollout with this id' },
  'rollout-exists': { status: 409, title: 'There is already a rollout with this id' },
  'plan-invalid': { status: 422, title: 'The rollout plan breaks a rule' },
  'audience-empty': { status: 422, title: 'No registered device is in the audience' },
  'salt-reused': { status: 409, title: 'Another rollout has this salt' },
  'rollback-not-included': { status: 409, title: 'The change would stop a rollback without saying so' },
  'rollout-not-live': { status: 409, title: 'The rollout has not started or has ended' },
  'segment-unknown': { status: 404, title: 'The rollout has no such segment' },
  'segment-already-halted': { status: 409, title: 'The segment has been halted before' },
  'plan-contradicted': { status: 422, title: 'The history of the fleet contradicts the plan' },
  'overrule-unfounded': { status: 422, title: 'The finding to be overruled was not made about this plan' },
  'rollout-ended': { status: 409, title: 'The rollout admits nobody any more' },
  'limit-absent': { status: 409, title: 'The rollout has no ceiling of an operator' },
  'limit-in-force': { status: 409, title: 'The rollout is under the ceiling of an operator' },
  'approver-role-missing': { status: 409, title: 'The server has not been told who approves' },
  'approval-invalid': { status: 422, title: 'What the approvers have signed is not what they are needed for' },
  'charter-invalid': { status: 422, title: 'What approvers have signed for the rollout does not hold' },
  'charter-in-force': { status: 409, title: 'The rollout has started under another charter' },
  'resume-unsigned': { status: 409, title: 'A halted rollout goes on by signatures of two approvers alone' },
  'resume-invalid': { status: 422, title: 'The signed resume is not about the rollout as it stands' },
  'rollout-not-halted': { status: 409, title: 'The rollout is not halted' },
  'flag-repeated': { status: 409, title: 'The device has flagged the rollout before' },
  'flags-too-many': { status: 409, title: 'The rollout has more flags than it keeps' },
  'region-already-halted': { status: 409, title: 'The region has been halted before' },
  'region-not-halted': { status: 409, title: 'The region is not halted, so it cannot be opened again' },
  'segment-not-halted': { status: 409, title: 'The segment is not halted, so it cannot be opened again' },
  'exclusion-unchanged': { status: 409, title: 'The evidence of the device stands as was asked for already' },
  'exclusions-too-many': { status: 422, title: 'More devices than a rollout leaves out of its evidence' },
  'evidence-unsettled': { status: 409, title: 'The evidence is being counted again by what was just ordered' },
  'evidence-still-halts': { status: 409, title: 'The evidence would halt the rollout again at once' },
  'evidence-absent': { status: 409, title: 'Nothing has been counted about the rollout yet' },
  'order-unknown': { status: 404, title: 'There is no freeze and no exclusion of this name' },
  'orders-too-many': { status: 422, title: 'More freezes, or more exclusions, than are kept' },
  'group-unknown': { status: 404, title: 'There is no group of this name' },
  'group-exists': { status: 409, title: 'There is a group of this name already' },
  'group-changed': { status: 409, title: 'The group has been changed since it was read' },
  'tags-too-many': { status: 422, title: 'A device would have more tags than are kept' },
  'attributes-stale': { status: 409, title: 'The attributes of the device have changed since they were read' },
  'groups-too-many': { status: 422, title: 'There are as many groups as are kept' },
  'freeze-empty': { status: 422, title: 'The freeze ends before it begins' },
  'scope-not-paused': { status: 409, title: 'The scope is not paused' },
  'twin-missing': { status: 409, title: 'The release has no rollback twin, so there is no way back' },
  'transition-impossible': { status: 409, title: 'The rollout cannot do this in its present state' },
  'revision-stale': { status: 409, title: 'The policy has moved on since it was read' },
  'clock-not-conducted': { status: 409, title: 'The server runs on the wall clock and cannot be stepped' },
  'clock-not-held': { status: 409, title: 'Fleet time follows its clock, so there is nothing to accept' },
  'clock-backwards': { status: 409, title: 'Fleet time never goes backwards' },
  'query-invalid': { status: 400, title: 'A parameter of the query is not valid' },
  'tenant-unknown': { status: 404, title: 'This installation has another tenant' },
  'ddi-token-invalid': { status: 401, title: 'The token of the device or gateway is missing or not valid' },
  'ddi-gateway-out-of-scope': { status: 403, title: 'The gateway does not speak for this device' },
  'ddi-action-unknown': { status: 404, title: 'The device has no such deployment now' },
  'ddi-gateway-exists': { status: 409, title: 'There is a gateway of this name already' },
  'ddi-gateways-too-many': { status: 409, title: 'There are as many gateways as there may be' },
  'ddi-gateway-unknown': { status: 404, title: 'There is no gateway of this name' },
  'rate-limited': { status: 429, title: 'Too many requests: come back after the time in Retry-After' },
  'storage-full': { status: 507, title: 'The disk of the server is full' },
  'store-away': { status: 503, title: 'The database cannot be reached at the moment' },
  'gateway-busy': { status: 503, title: 'The gateway has as much to do as it can do in time' },
  'shutting-down': { status: 503, title: 'The server is stopping' },
  'internal-error': { status: 500, title: 'The server failed: its log says why' },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly title: string }>>;

/** Every code of the HTTP edge. */
export type ProblemCode = keyof typeof PROBLEMS;

/** The media type of RFC 9457 §6.1. */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** An error as a document (RFC 9457). `detail` is one sentence: what happened, the value seen, the value allowed, what to do. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

/** HTTP status of a code. */
export function problemStatus(code: ProblemCode): number {
  return PROBLEMS[code].status;
}

/** Whether a text is one of the codes, for code unions of the domain that meet the edge. */
export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

/** Writes a problem document; `fields` are its extension members (RFC 9457 §3.2) and never replace the five of its own. */
export function encodeProblem(problem: {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly fields?: Readonly<Record<string, Json | undefined>>;
}): string {
  const { status, title } = PROBLEMS[problem.code];
  const type = `urn:outrider:problem:${problem.code}`;
  return encodeJson({ ...problem.fields, type, title, status, code: problem.code, detail: problem.detail });
}

/** Reads a problem document, of a newer server with an unknown code too; extension members are left out. Code: body-malformed. */
export function parseProblem(body: string): Result<Problem, ParseError> {
  return parseText(body, { noun: 'problem', bytesMax: REQUEST_BYTES_MAX, reader: problem });
}

const line = text({ charactersMax: 4_096 });

const problem = record<Problem>({
  type: line,
  title: line,
  status: whole({ min: 400, max: 599 }),
  code: line,
  detail: line,
});
