// SPDX-License-Identifier: Apache-2.0
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { DEVICE_HEADER } from '@outrider/protocol/gateway/request-signature';
import type { Server } from '@outrider/server/compose';
import type { Turns } from '@outrider/testkit/turns';
import type { Watch } from './oracles/watch.ts';

type DeviceRequest = Parameters<Server['handleDevice']>[0];
type DeviceResponse = Awaited<ReturnType<Server['handleDevice']>>;

/** Reads along on the wire, with a reader of its own: answers as they leave a server, whether they arrive or not. */
export interface Wire {
  answered(request: DeviceRequest, response: DeviceResponse): void;
}

const ROLLOUT_ID = '"rolloutId":"';

export function createWire(watch: Watch, turns: Pick<Turns, 'clock'>, clock: FleetClock): Wire {
  return {
    answered({ path, headers, body: question }, { status, body }) {
      if (status !== 200 || typeof body !== 'string') return;
      const deviceId = String(headers[DEVICE_HEADER]);
      if (path !== '/v1/register') watch.see({ kind: 'heard', deviceId, at: clock.now() });
      if (path === '/v1/permit' && body.includes('"kind":"permit"')) {
        const document = JSON.parse(JSON.parse(body).permit.payload);
        const { permitId, releaseCounter } = document;
        watch.see({ kind: 'permit-sent', permitId, deviceId: document.deviceId, counter: releaseCounter });
      } else if (path === '/v1/report') {
        watch.see({ kind: 'report-acknowledged', deviceId, sequence: JSON.parse(question).sequence });
      } else if (path === '/v1/check-in' && body.includes('"kind":"offer"')) {
        // Most answers of a busy fleet are offers: all but one name in them is left alone.
        const from = body.lastIndexOf(ROLLOUT_ID) + ROLLOUT_ID.length;
        const rolloutId = body.slice(from, body.indexOf('"', from));
        watch.see({ kind: 'offer-sent', rolloutId, deviceId, at: turns.clock.now() });
      }
    },
  };
}
