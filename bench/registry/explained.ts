// SPDX-License-Identifier: Apache-2.0
import { performance } from 'node:perf_hooks';
import type { ServerStore } from '@outrider/domain/decision/server-store';
import { causeOf, causeTally } from '@outrider/domain/gateway/explain-rollout';
import { present } from '@outrider/domain/kernel/assert';
import type { DeviceId, RolloutId } from '@outrider/domain/kernel/ids';
import { fleetInstant } from '@outrider/domain/kernel/time';
import { aSnapshot, id } from '@outrider/testkit/small-fleet';
import type { Figure } from '../figures.ts';

const PAGE_DEVICES = 2_000;

/** Every camera of the registry before one rollout, grouped by cause as the server does it. */
export async function measureExplanation(store: ServerStore): Promise<readonly Figure[]> {
  const rolloutId = id<RolloutId>('r1');
  const snapshot = aSnapshot([{}]);
  const live = present(snapshot.rollouts.get(rolloutId), 'the rollout of the measurement');
  const now = fleetInstant(1_800_000_000_000);
  const tally = causeTally();
  const began = performance.now();
  let heapBytes = 0;
  let devices = 0;
  let after: DeviceId | undefined;
  for (;;) {
    const page = { deviceType: 'camera', limit: PAGE_DEVICES, ...(after === undefined ? {} : { after }) };
    const standings = await store.finder.loadStandings(rolloutId, page);
    for (const standing of standings) tally.add(standing, causeOf(snapshot, live, standing, now));
    devices += standings.length;
    after = standings.at(-1)?.device.deviceId;
    heapBytes = Math.max(heapBytes, process.memoryUsage().heapUsed);
    if (standings.length < PAGE_DEVICES) break;
  }
  const seconds = (performance.now() - began) / 1_000;
  const rate = devices / seconds;
  return [
    {
      figure: `a rollout explained over ${devices} devices in ${tally.groups().length} groups`,
      value: seconds,
      unit: 's',
      goal: '> 20000 devices/s',
      holds: rate > 20_000,
    },
    {
      figure: 'the most heap meanwhile',
      value: heapBytes / 1_048_576,
      unit: 'MiB',
      goal: '< 512 MiB',
      holds: heapBytes < 2 ** 29,
    },
  ];
}
