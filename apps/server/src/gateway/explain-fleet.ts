// SPDX-License-Identifier: Apache-2.0
import { causeOf, causeTally, type FleetExplanation, reasonOfCause } from '@outrider/domain/gateway/explain-rollout';
import type { DeviceFinder } from '@outrider/domain/gateway/finder-ports';
import type { LiveRollout, PolicySnapshot } from '@outrider/domain/gateway/snapshot';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import { type Reach, reaches } from '@outrider/domain/trust/reach';

/** Devices of one page: the event loop is held for some milliseconds by each, and free in between. */
const PAGE_DEVICES = 5_000;

/**
 * Every device of a rollout's type grouped by why it stands where it stands. The next page is read while one is looked at, so
 * that database and server work at the same time; what is held does not grow with the fleet.
 */
export async function explainFleet(
  finder: Pick<DeviceFinder, 'loadStandings'>,
  asked: {
    readonly snapshot: PolicySnapshot;
    readonly live: LiveRollout;
    readonly reach: Reach;
    readonly now: FleetInstant;
  },
): Promise<FleetExplanation> {
  const { snapshot, live, reach, now } = asked;
  const { rolloutId, deviceType } = live.rollout.plan;
  const tally = causeTally();
  let devices = 0;
  const pageAfter = (after?: DeviceId) =>
    finder.loadStandings(rolloutId, {
      ...{ deviceType, limit: PAGE_DEVICES },
      ...(after === undefined ? {} : { after }),
    });
  for (let page = await pageAfter(); page.length > 0; ) {
    const next = pageAfter(page.at(-1)?.device.deviceId);
    // A page that fails is thrown below, where it is waited for.
    next.catch(() => undefined);
    for (const standing of page) {
      if (!reaches(reach, standing.device.attributes)) continue;
      const cause = causeOf(snapshot, live, standing, now);
      tally.add(standing, cause, reasonOfCause(snapshot, live, { standing, cause, now }));
      devices++;
    }
    page = await next;
  }
  return { rolloutId, at: now, devices, groups: tally.groups() };
}
