// SPDX-License-Identifier: Apache-2.0

/** The time now as answers tell it (IMF-fixdate, RFC 9110 §5.6.7); put into words once a second. */
export function httpDate(): string {
  const nowMs = Date.now();
  if (nowMs >= nextSecondMs || nowMs < nextSecondMs - SECOND_MS) {
    nextSecondMs = nowMs - (nowMs % SECOND_MS) + SECOND_MS;
    text = new Date(nowMs).toUTCString();
  }
  return text;
}

const SECOND_MS = 1_000;
let nextSecondMs = 0;
let text = '';
