// SPDX-License-Identifier: Apache-2.0
import { hkdfSync, type KeyObject } from 'node:crypto';

/**
 * The keys that seal session tickets. They follow from the key of the CA and the day, so that all gateways, and every terminator
 * that `outrider terminator config` sets up, have the same ones without a word: whoever could read them from a database could
 * write tickets, and be any device. Tickets give no past traffic away: each resumption agrees on new keys (psk_dhe_ke).
 */
export interface TicketKeys {
  /** Which day it is: one more with each. */
  readonly period: number;
  readonly former: Buffer;
  readonly current: Buffer;
  readonly next: Buffer;
}

/** A ticket is good for a day: devices poll more often, and a stolen key is worth little. */
export const TICKET_LIFE_S = 86_400;

/** As a reader of them wants them: its label keeps keys of different length from sharing bytes. */
interface TicketKeyForm {
  readonly bytes: number;
  readonly label: string;
}

/** Name, MAC key and cipher key of 16 bytes each, as OpenSSL, Node and HAProxy take them. */
const OPENSSL_KEYS: TicketKeyForm = { bytes: 48, label: 'session tickets' };
/** Name of 16 bytes, MAC key and cipher key of 32 bytes each, as Envoy takes them. */
export const ENVOY_KEYS: TicketKeyForm = { bytes: 80, label: 'session tickets of Envoy' };

/** The keys of the day that `nowMs` falls into, of the one before and of the one after it. */
export function ticketKeys(caKey: KeyObject, nowMs: number, { bytes, label } = OPENSSL_KEYS): TicketKeys {
  const secret = caKey.export({ format: 'der', type: 'pkcs8' });
  const period = Math.floor(nowMs / 1_000 / TICKET_LIFE_S);
  const keyOf = (day: number) => Buffer.from(hkdfSync('sha256', secret, 'outrider', `${label}, day ${day}`, bytes));
  return { period, former: keyOf(period - 1), current: keyOf(period), next: keyOf(period + 1) };
}
