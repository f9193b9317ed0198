// SPDX-License-Identifier: Apache-2.0

/** Largest body of a check-in, permit request, report or registration: 32 components of 200 bytes each fit ten times. */
export const REQUEST_BYTES_MAX = 65_536;

/** Largest release manifest: 64 components, their hardware ids and 64 KiB of notes fit with room to grow. */
export const MANIFEST_BYTES_MAX = 1_048_576;

/** Largest document written by people or moved between programs: a plan with 10,000 device ids of 128 characters fits. */
export const DOCUMENT_BYTES_MAX = 2_097_152;

/** Largest answer to a device: a manifest as JSON text inside JSON, where a quote takes two bytes, and its artifacts. */
export const ANSWER_BYTES_MAX = 4 * MANIFEST_BYTES_MAX;

/**
 * Largest evidence of one rollout, with what is decided from it: a thousand segments, seven metrics and every stratum, in
 * some hundred bytes a count.
 */
export const EVIDENCE_BYTES_MAX = 64 * 1_048_576;

/** Deepest nesting of a body. An audience of 16 levels needs two for each, and the plan around it a few more. */
export const NESTING_DEPTH_MAX = 48;

/** Components of one bundle: a vehicle of 2026 has fewer than this many updatable computers behind one primary. */
export const COMPONENTS_MAX = 64;

/** Longest detail of a report, as its contract says. */
export const DETAIL_CHARACTERS_MAX = 2_048;

/** A line of a detail that sounds like an error: four of them are half a detail. */
export const COMPLAINT_CHARACTERS_MAX = 256;

/** Longest reason a person gives for a change of policy. */
export const REASON_CHARACTERS_MAX = 1_024;
