// SPDX-License-Identifier: Apache-2.0
import { PROBLEMS, type ProblemCode } from '@outrider/protocol/kernel/problem';
import { DEVICE_IDENTITY_CODES } from './api-device-identity.ts';
import { RELEASE_CODES } from './api-releases.ts';
import { REQUEST_CODES } from './api-requests.ts';
import { ROLLOUT_CODES } from './api-rollouts.ts';
import { SERVER_CODES } from './api-server.ts';
import type { CodeText, ErrorArea } from './area.ts';
import { PEOPLE_CODES } from './people.ts';

/** In the order of the page. */
const CODES: Readonly<Record<ProblemCode, CodeText>> = {
  ...REQUEST_CODES,
  ...DEVICE_IDENTITY_CODES,
  'token-invalid': [
    'The proof of who one is, a bearer token or the cookie of a session, is missing or wrong.',
    'The request was not read further than its head.',
    'Sign in with `outrider login`, or use a service token, or the text of the file `admin-token` in the data folder of the server.',
  ],
  ...PEOPLE_CODES,
  ...RELEASE_CODES,
  ...ROLLOUT_CODES,
  ...SERVER_CODES,
};

/** Answers of the server's HTTP edge. */
export const apiArea: ErrorArea = {
  name: 'api',
  title: 'Answers of the server',
  intro:
    'The member `code` of a problem document (RFC 9457), to people and to devices; `outrider` shows its detail and, with --json, the code.',
  codes: CODES,
  marks: Object.fromEntries(Object.entries(PROBLEMS).map(([code, { status }]) => [code, `HTTP ${status}`])),
};
