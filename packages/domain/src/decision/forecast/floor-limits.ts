// SPDX-License-Identifier: Apache-2.0
import { barOnWayBack, type Floors, floorAbove, type WayBack } from '../../release/floors.ts';
import type { ReleaseManifest } from '../../release/release.ts';
import type { OrderLimit } from './order-limits.ts';

/** What the people of a model have signed about floors, by the image repository. */
export interface ForecastFloors {
  /** The highest that any published release of the device type brings. Absent: none does. */
  readonly raised?: Floors;
  /** Of the rollback twin of the release. Absent: it has none, or nobody signed a floor. */
  readonly wayBack?: WayBack;
}

/** What floors make of a plan: devices that refuse the release, and a way back that is none. */
export function floorLimits(
  { releaseId, releaseCounter, rollbackTwin }: ReleaseManifest,
  { raised, wayBack }: ForecastFloors,
): readonly OrderLimit[] {
  const limits: OrderLimit[] = [];
  const above = floorAbove(raised, releaseCounter);
  if (above !== undefined) {
    const detail = `Its counter is ${releaseCounter}, and a published release puts the ${above.kind} floor at ${above.floor}: devices that have confirmed that one refuse it, the others go to what is known to be below; plan a newer release`;
    limits.push({ code: `below-${above.kind}-floor`, name: releaseId, detail });
  }
  const bar = barOnWayBack(wayBack, releaseCounter);
  if (wayBack !== undefined && rollbackTwin !== undefined && bar !== undefined) {
    const detail = `Its bytes have counter ${wayBack.contentCounter}, below the ${bar.kind} floor ${bar.floor}: a device that has confirmed the release does not go back, whatever the rule says; only a newer release mends it`;
    limits.push({ code: 'way-back-barred', name: rollbackTwin.releaseId, detail });
  }
  return limits;
}
