// SPDX-License-Identifier: Apache-2.0
import type { ProblemCode } from '@outrider/protocol/kernel/problem';
import { type CodeText, UNTOUCHED } from './area.ts';

const NOT_READ = 'The request was not read further than its head.';

/** Answers of the server about who somebody is, and what they may do. */
export const PEOPLE_CODES = {
  'token-revoked': [
    'The service token was revoked, or the person who made it is shut out.',
    NOT_READ,
    'Look with `outrider audit list --action token-revoked` who revoked it and why; make another with `outrider token create`.',
  ],
  'token-expired': [
    'The token has reached its end.',
    NOT_READ,
    'A person: `outrider login`. A program: `outrider token create`, and ask whether the program is still needed.',
  ],
  'token-not-yet-valid': [
    'The token says that it was made later than the clock of the server says it is.',
    NOT_READ,
    'Compare the clocks of issuer and server; up to --oidc-clock-skew-s seconds are allowed. A large difference is a fault of NTP: see the runbook on the clock.',
  ],
  'token-signature-invalid': [
    'The token names a key of the issuer, and its signature is not made by it.',
    'Nobody was let in; a forged token has no effect.',
    'Sign in again. If it comes back, somebody tries forged tokens: look at the addresses in the log.',
  ],
  'token-algorithm-refused': [
    'The token is signed by an algorithm that is not among the allowed ones; `none` and HMAC never are.',
    NOT_READ,
    'Set the issuer to one of those that the detail names, or allow its algorithm with --oidc-algorithm.',
  ],
  'token-key-unknown': [
    'The token is signed by a key that the issuer does not publish, also after it was asked again.',
    NOT_READ,
    'Sign in again: the issuer has changed its keys since. If new tokens are refused too, look at its `jwks_uri`.',
  ],
  'token-issuer-differs': [
    'The token was made by another issuer than the one that this server believes.',
    NOT_READ,
    'Compare `iss` in the token with --oidc-issuer, letter by letter.',
  ],
  'token-audience-differs': [
    'The token was made for another program.',
    'A token that somebody caught elsewhere lets nobody in here.',
    'Ask the issuer for one with this client as audience, or add its audience with --oidc-audience.',
  ],
  'session-expired': [
    'The session in the browser has ended: half an hour without use, a working day in all, signing out, or because the person was shut out.',
    UNTOUCHED,
    'Sign in again.',
  ],
  'csrf-missing': [
    'A change came with the cookie of a session and not from the page of this server.',
    'A page of somebody else cannot make a browser change anything here.',
    'Reload the console. A program uses a service token, which needs no such header.',
  ],
  'role-missing': [
    'The person is known, and none of their roles allows this. The detail names those that do.',
    UNTOUCHED,
    'Ask one of them, or let the group be given at the issuer. Roles are not given here.',
  ],
  'out-of-reach': [
    'The roles of the person are limited to customers or regions, and this goes beyond them.',
    UNTOUCHED,
    'Limit the audience, the scope or the query to what the detail names, or ask somebody whose roles reach further.',
  ],
  'person-blocked': [
    'The person was shut out here, whatever the issuer says.',
    UNTOUCHED,
    '`outrider person list` shows by whom and why; `outrider person unblock` lets them in again.',
  ],
  'person-without-role': [
    'The issuer vouches for the person, and no value of its roles claim grants a role here.',
    'Nobody has a role by having an account.',
    'Give the person a group at the issuer, or map one of theirs with --oidc-role.',
  ],
  'person-id-unfit': [
    'The claim that names the person is missing, has characters that no log takes, or is the name of a service such as `admin`.',
    'Nobody can stand in the audit log under the name of another.',
    'Choose another claim with --oidc-person-claim, one that the issuer never gives to another person.',
  ],
  'credential-unfit': [
    'This cannot be done by this proof: a service token makes no tokens, and nobody shuts themselves out.',
    UNTOUCHED,
    'Sign in as a person, or ask another one.',
  ],
  'author-differs': [
    'The change names an author, and somebody else sends it.',
    UNTOUCHED,
    'Leave --author out: whoever is signed in is the author. Only the token of the administrator may name one.',
  ],
  'approver-is-author': [
    'Whoever planned a rollout does not approve it, also not by a service token of theirs.',
    'The rollout stays as it was: one person alone exposes no device.',
    'Let another approver look at it. In an emergency, and only then, the token of the administrator approves; the audit log says so.',
  ],
  'issuer-unreachable': [
    'The issuer at which people sign in does not answer.',
    'Sessions under way, service tokens and tokens of people signed in lately go on. Nobody new comes in.',
    'See docs/people.md, "The issuer is down": the token of the administrator works without any issuer.',
  ],
  'sign-in-state-differs': [
    'The answer of the issuer belongs to no sign-in that this browser has begun in the last ten minutes.',
    'Nobody was signed in: a link that somebody else prepared leads to nothing.',
    'Begin again at the console, under the address that --public-url names.',
  ],
  'sign-in-refused': [
    'The issuer said no, or what it answered cannot be believed: a wrong nonce, a code that was used, a client it does not know.',
    'Nobody was signed in.',
    'Begin again. If it comes back, compare client, secret and redirect address at the issuer with docs/people.md.',
  ],
  'token-exists': [
    'A service token of this name is in force.',
    UNTOUCHED,
    'Revoke the old one, or choose another name: two of one name could not be told apart in the audit log.',
  ],
  'token-unknown': [
    'There is no service token in force with this id that you may revoke.',
    UNTOUCHED,
    '`outrider token list` shows yours; those of others are for whoever looks after security.',
  ],
} as const satisfies Readonly<Partial<Record<ProblemCode, CodeText>>>;
