// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { checkoutRoot } from '../scripts/gates.ts';

/** Where engines lie once they are fetched; git ignores it, and removing it costs a fetch and nothing else. */
export const ENGINES_FOLDER = join(checkoutRoot(), '.engines');
