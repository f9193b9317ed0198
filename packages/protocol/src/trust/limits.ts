// SPDX-License-Identifier: Apache-2.0

/** Groups of one role: build, release engineering and a few suppliers. */
export const GROUPS_MAX = 16;
