// SPDX-License-Identifier: Apache-2.0
import { fetchEnvoy, startEnvoy } from './envoy/start-envoy.ts';
import { terminatorInFront } from './way/terminator-in-front.ts';

const program = await fetchEnvoy();

terminatorInFront({ name: 'Envoy', cutAfterMs: 15_000 }, (world) => startEnvoy(program, world));
