// SPDX-License-Identifier: Apache-2.0
import { DownloadCut } from '@outrider/domain/device/errors';
import type { Server } from '@outrider/server/compose';
import type { Turns } from '@outrider/testkit/turns';
import type { Fault } from './faults/fault.ts';
import type { Weather } from './faults/weather.ts';
import type { Gateways } from './gateways.ts';
import type { Wire } from './wire.ts';

type DeviceRequest = Parameters<Server['handleDevice']>[0];
type DeviceResponse = Awaited<ReturnType<Server['handleDevice']>>;

/** The network between devices and servers: it loses, delays, doubles and reorders, as the weather says. */
export interface Carrier {
  /** What a device has for a server: whatever it is answered may come from any of them, or be nothing. */
  forDevice(device: number): Pick<Server, 'handleDevice'>;
  /** Delivers what was held back until this step, while the step goes on; nobody waits for the answers. */
  deliverLate(step: number): Promise<void>;
}

/** One way, over a mobile network. */
const ONE_WAY_MEAN_MS = 20;
/** So long that messages of one moment arrive in any order. */
const REORDER_MEAN_MS = 2_000;
/** A message that comes late or twice does so within this many steps: half a day. */
const LATE_STEPS_MAX = 72;
/** Of the messages that come late or twice: those that do so in the same step. */
const SAME_STEP_SHARE = 0.5;
/** A download that breaks off does so between two of these. */
const CHUNK_BYTES = 2_048;

/** A message on its way. */
interface Held {
  readonly request: DeviceRequest;
  readonly device: number;
}

const NOBODY: DeviceResponse = { status: 503, headers: {}, body: 'The network is away' };

export function createCarrier(options: {
  readonly gateways: Gateways;
  readonly turns: Turns;
  readonly weather: Weather;
  readonly wire: Wire;
}): Carrier {
  const { gateways, turns, weather, wire } = options;
  const held = new Map<number, Held[]>();

  async function deliver({ request, device }: Held): Promise<DeviceResponse | undefined> {
    const response = await gateways.handle(request, device);
    if (response !== undefined) wire.answered(request, response);
    return response;
  }

  /** A copy that arrives later, in this step or in another. */
  function deliverLater(message: Held, fault: Fault, question: string): void {
    const draw = weather.chance(fault, `${question}/later`);
    if (draw < SAME_STEP_SHARE) {
      void turns.waitAbout(REORDER_MEAN_MS).then(() => deliver(message));
      return;
    }
    const step = weather.step + 1 + Math.floor(((draw - SAME_STEP_SHARE) / (1 - SAME_STEP_SHARE)) * LATE_STEPS_MAX);
    const others = held.get(step);
    if (others === undefined) held.set(step, [message]);
    else others.push(message);
  }

  /** There and back, while nothing goes wrong. */
  async function carry(message: Held): Promise<DeviceResponse> {
    await turns.waitAbout(ONE_WAY_MEAN_MS);
    const response = await deliver(message);
    await turns.waitAbout(ONE_WAY_MEAN_MS);
    return response ?? NOBODY;
  }

  return {
    forDevice(device) {
      let messages = 0;
      /** Whether the fault hits this message: first whether it is about this device, then about the message. */
      function hits(fault: Extract<Fault, { readonly ratePermille: number }>, question: string): boolean {
        if (weather.chance(fault, `device/${device}`) * 1_000 >= fault.sharePermille) return false;
        return weather.chance(fault, question) * 1_000 < fault.ratePermille;
      }
      return {
        async handleDevice(request) {
          const message = messages++;
          if (weather.isCalm()) return carry({ request, device });
          const question = `message/${device}/${message}`;
          const isCutOff = weather
            .active('partition')
            .some((fault) => weather.chance(fault, `device/${device}`) * 1_000 < fault.sharePermille);
          if (isCutOff) return NOBODY;
          const isSlow = weather.active('reorder').some((fault) => hits(fault, question));
          const meanMs = isSlow ? REORDER_MEAN_MS : ONE_WAY_MEAN_MS;
          await turns.waitAbout(meanMs);
          const delay = weather.active('delay').find((fault) => hits(fault, question));
          if (delay !== undefined) {
            deliverLater({ request, device }, delay, question);
            return NOBODY;
          }
          const loss = weather.active('loss').find((fault) => hits(fault, question));
          const isRequestLost = loss !== undefined && weather.chance(loss, `${question}/which`) < 0.5;
          if (isRequestLost) return NOBODY;
          const twice = weather.active('duplicate').find((fault) => hits(fault, question));
          if (twice !== undefined) deliverLater({ request, device }, twice, question);
          const response = await deliver({ request, device });
          await turns.waitAbout(meanMs);
          if (response === undefined) return NOBODY;
          if (loss === undefined) return response;
          if (typeof response.body === 'string') return NOBODY;
          return { ...response, body: cutOff(response.body, weather.chance(loss, `${question}/bytes`)) };
        },
      };
    },
    async deliverLate(step) {
      const due = held.get(step) ?? [];
      held.delete(step);
      await Promise.all(
        due.map(async (message) => {
          await turns.waitAbout(REORDER_MEAN_MS);
          await deliver(message);
        }),
      );
    },
  };
}

/** The bytes up to somewhere, then nothing. */
async function* cutOff(body: AsyncIterable<Uint8Array>, share: number): AsyncGenerator<Uint8Array> {
  for await (const bytes of body) {
    const kept = Math.floor(share * bytes.byteLength);
    for (let from = 0; from < kept; from += CHUNK_BYTES) yield bytes.subarray(from, Math.min(from + CHUNK_BYTES, kept));
    throw new DownloadCut('The network went away');
  }
}
