// SPDX-License-Identifier: Apache-2.0
import type { ProblemCode } from '@outrider/protocol/kernel/problem';
import { type CodeText, NOTHING_STORED, UNTOUCHED } from './area.ts';

/** Codes about the server itself, its registry and its DDI clients. */
export const SERVER_CODES = {
  'clock-not-conducted': [
    'The server runs on the wall clock, which nobody steps.',
    UNTOUCHED,
    'Only an installation for simulation is stepped: start it with --clock conducted.',
  ],
  'clock-not-held': [
    'Fleet time follows its clock, so there is no jump to accept.',
    UNTOUCHED,
    'Nothing is left to do.',
  ],
  'clock-backwards': ['Fleet time was asked to go backwards.', 'It stands where it stood.', 'Step to a later instant.'],
  'query-invalid': [
    'A parameter is not valid, or the query has something at the named column that cannot stand there.',
    UNTOUCHED,
    'The detail says what is allowed; the language is on the page [queries](../queries.md).',
  ],
  'tenant-unknown': [
    'A client that speaks hawkBit’s DDI names another tenant in its path than this installation has.',
    NOTHING_STORED,
    'Set the tenant in the client (`-t` of SWUpdate) to that of the setting `ddiTenant`, which is `DEFAULT` where nobody has set it.',
  ],
  'ddi-token-invalid': [
    'A DDI client sent no token, a wrong one, or one that was replaced, and showed no client certificate either.',
    NOTHING_STORED,
    'Compare the client with `outrider ddi show <device>`; where the token was lost, make a new one with `outrider ddi token <device>`.',
  ],
  'ddi-gateway-out-of-scope': [
    'The token of the gateway is valid, but the device is none of those that it was made for.',
    NOTHING_STORED,
    'Look at `outrider ddi gateways`; correct the attributes of the device, or make the gateway a token with another scope.',
  ],
  'ddi-action-unknown': [
    'The deployment that a DDI client asks for, or speaks of, has ended, was taken back, is not to be installed at this moment, or never was.',
    UNTOUCHED,
    'Nothing, as a rule: the client polls again. `outrider ddi show <device>` lists its deployments.',
  ],
  'ddi-gateway-exists': [
    'There is a gateway of this name already.',
    UNTOUCHED,
    'Take another name, or remove the other one first: its token is void then.',
  ],
  'ddi-gateways-too-many': [
    'There are 256 gateways, the most that an installation keeps.',
    UNTOUCHED,
    'Remove those that are gone with `outrider ddi gateway-remove <name>`.',
  ],
  'ddi-gateway-unknown': ['There is no gateway of this name.', UNTOUCHED, 'Look at `outrider ddi gateways`.'],
  'rate-limited': [
    'Too much of this kind is under way.',
    UNTOUCHED,
    'Come back after the time in Retry-After, or when the one under way has ended.',
  ],
  'storage-full': [
    'The disk of the server has no room for the bytes.',
    'Nothing half written is kept; devices go on being answered, permits need the database.',
    'Free space on the disk of the data folder, then send it again.',
  ],
  'store-away': [
    'The database cannot be reached, is full, or does not answer in time.',
    'No permit can come into being without it. Whether a change of yours was made is not known.',
    'Look at the reason in the detail and at the database itself; then look whether the change is there before you send it again.',
  ],
  'gateway-busy': [
    'The gateway turns requests of devices away before its queues grow: check-ins first, permits later, reports last.',
    'Nothing was done for the request, so it may be sent again. Pauses, people and probes are answered as ever.',
    'Devices come back by themselves after Retry-After. If it lasts: look at outrider_gateway_shed_requests_total, and add a gateway.',
  ],
  'shutting-down': [
    'The server is stopping.',
    'What it acknowledged is stored.',
    'Send it again to the server that takes its place.',
  ],
  'internal-error': [
    'The server failed on a fault that nobody foresaw.',
    'What was acknowledged before is stored. Whether this request had an effect is not known.',
    'Its log has the fault: keep that line and report it.',
  ],
} as const satisfies Partial<Record<ProblemCode, CodeText>>;
