// SPDX-License-Identifier: Apache-2.0

/** How the devices of a fleet live while nothing is wrong: what the dates of a forecast rest on. Rates are per device. */
export interface FleetBehaviour {
  readonly contacts: readonly Contact[];
  readonly readiness: readonly Readiness[];
  /** Installations that fall back, and that cannot be installed, of a good release. */
  readonly revertRate: number;
  readonly installFailureRate: number;
  /** Within 24 hours, in either arm. */
  readonly crashRate: number;
  readonly sensorFaultRate: number;
}

/** How often a share of the fleet checks in, and which share of it is silent for 24, 72 and 168 h although it is asked. */
export interface Contact {
  readonly share: number;
  readonly meanHours: number;
  readonly silent: readonly [number, number, number];
}

/** How long a share of the fleet takes, on average, from the download until it may install. */
export interface Readiness {
  readonly share: number;
  readonly meanHours: number;
}

/**
 * What is assumed of a fleet that nothing is known about, and said so in the forecast. Source: design/decision.md, "The
 * worlds of the simulation".
 */
export const STATED_BEHAVIOUR: FleetBehaviour = {
  contacts: [
    { share: 0.6, meanHours: 4, silent: [0.003, 0.0008, 0.0004] },
    { share: 0.35, meanHours: 12, silent: [0.01, 0.004, 0.0015] },
    { share: 0.05, meanHours: 48, silent: [0.05, 0.03, 0.01] },
  ],
  readiness: [
    { share: 0.7, meanHours: 8 },
    { share: 0.2, meanHours: 24 },
    { share: 0.07, meanHours: 96 },
    { share: 0.03, meanHours: 240 },
  ],
  revertRate: 0.00015,
  installFailureRate: 0.003,
  crashRate: 0.03,
  sensorFaultRate: 0.003,
};
