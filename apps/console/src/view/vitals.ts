// SPDX-License-Identifier: Apache-2.0
import type { DeviceStates, ServerVitals } from '@outrider/protocol/decision/overview';
import { createElement as h, type ReactElement } from 'react';
import { bytesText, countText, durationText, latencyText, perSecondText, shareText } from '../figures/format.ts';
import { Bar, Empty, Section, Stat } from './pieces.ts';

/** How the server that answers is. */
export function VitalsView({ vitals }: { readonly vitals: ServerVitals }): ReactElement {
  const { permitLatency, requestLatency, database } = vitals;
  const { connectionsInUse, connectionsMax, waiting = 0 } = database;
  const inUse =
    connectionsInUse === undefined || connectionsMax === undefined
      ? ''
      : `${connectionsInUse} of ${connectionsMax} connections`;
  return h(
    Section,
    { id: 'server', title: 'This server', hint: `up ${durationText(vitals.upMs)}` },
    h(
      'dl',
      { className: 'stats' },
      h(Stat, { name: 'Check-ins', value: perSecondText(vitals.checkInsPerSecond) }),
      h(Stat, { name: 'Permits', value: perSecondText(vitals.permitsPerSecond) }),
      h(Stat, { name: 'Reports', value: perSecondText(vitals.reportsPerSecond) }),
      h(Stat, {
        name: 'Requests',
        value: latencyText(requestLatency.p50Ms),
        detail: `p99 ${latencyText(requestLatency.p99Ms)}`,
      }),
      h(Stat, {
        name: 'Permit answered',
        value: latencyText(permitLatency.p50Ms),
        detail: `p99 ${latencyText(permitLatency.p99Ms)}`,
      }),
      h(Stat, { name: 'Event loop late', value: latencyText(vitals.eventLoopLagP99Ms), detail: 'p99' }),
      h(Stat, { name: 'Memory', value: bytesText(vitals.memoryBytes) }),
      h(Stat, {
        name: 'Database',
        value: database.isReachable ? 'reachable' : 'away',
        detail: waiting > 0 ? `${inUse}, ${waiting} wait` : inUse,
      }),
      h(Stat, {
        name: 'Policy read',
        value: vitals.snapshotAgeMs === undefined ? 'never' : `${latencyText(vitals.snapshotAgeMs)} ago`,
      }),
    ),
  );
}

/** Devices of the registry by what they last said. */
export function DeviceStatesView({ devices }: { readonly devices?: DeviceStates }): ReactElement {
  return h(
    Section,
    {
      id: 'devices',
      title: 'Devices',
      hint: devices === undefined ? 'not counted yet' : `${countText(devices.total)} registered, counted once a minute`,
    },
    devices === undefined || devices.total === 0
      ? h(Empty, {}, 'No device has registered yet.')
      : h(
          'dl',
          { className: 'states' },
          ...devices.states.map(({ state, count }) =>
            h(
              'div',
              { key: state, className: 'state-row' },
              h('dt', {}, state),
              h(
                'dd',
                { className: 'state-bar' },
                h(Bar, {
                  label: shareText(count, devices.total),
                  parts: [{ tone: 'calm', permille: Math.round((count / devices.total) * 1_000) }],
                }),
              ),
              h('dd', { className: 'number' }, countText(count)),
            ),
          ),
        ),
  );
}
