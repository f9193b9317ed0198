// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { createFolder } from '@outrider/adapters/shared/files';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import type { LiveAgent } from '../live/live-state.ts';
import { type AgentProcess, startAgent } from '../process/agent-process.ts';
import type { ServerProcess } from '../process/server-process.ts';
import { HARDWARE_IDS } from '../product/signed-release.ts';
import type { DemoFolders } from './folders.ts';
import type { DemoProduct } from './products.ts';

/** Starts the real agents: one for each hardware revision, each with a folder of its own, all in the dogfood ring. */
export async function startAgents(
  round: { readonly number: number; readonly factory: DemoProduct },
  folders: DemoFolders,
  server: ServerProcess,
): Promise<readonly AgentProcess[]> {
  const { factory } = round;
  const agents: AgentProcess[] = [];
  for (const hardwareId of HARDWARE_IDS) {
    // An id of letters, digits and hyphens.
    const deviceId = `${factory.deviceType}-agent-${hardwareId}` as DeviceId;
    const dataFolder = join(folders.agents, deviceId);
    await createFolder(dataFolder);
    agents.push(
      startAgent({
        deviceId,
        attributes: {
          deviceType: factory.deviceType,
          hardwareId,
          model: 'compact',
          region: 'eu',
          customer: 'own',
          carrier: 'lte-one',
          tags: ['dogfood'],
        },
        serverUrl: server.url,
        registrationToken: server.registrationToken,
        dataFolder,
        logPath: join(folders.logs, `${deviceId}.log`),
        factory: {
          imagePath: factory.imagePath,
          version: factory.version,
          releaseCounter: factory.releaseCounter,
        },
      }),
    );
  }
  return agents;
}

/** An agent as the live view shows it. */
export function liveAgent(agent: AgentProcess): LiveAgent {
  const { state, activeVersion } = agent.now();
  return { id: agent.deviceId, hardwareId: agent.hardwareId, state, activeVersion, slot: agent.slot() };
}
