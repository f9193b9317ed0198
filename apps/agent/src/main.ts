// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from 'node:timers/promises';
import { type FaultFolder, openFaultFolder } from '@outrider/adapters/device/fault-folder';
import type { HttpClient } from '@outrider/adapters/device/http-client';
import { heldRequestLine, wakeSocketLine } from '@outrider/adapters/device/wake-line';
import { wallClock } from '@outrider/adapters/shared/clock';
import type { FleetClock } from '@outrider/domain/kernel/clock';
import { MINUTE_MS } from '@outrider/domain/kernel/time';
import { type Agent, type AgentPorts, composeAgent } from './compose.ts';
import { runConducted } from './conducted.ts';
import { AgentEnd, EXIT_CODES } from './exit-codes.ts';
import { flagCommand } from './flag-command.ts';
import { type AgentFlags, readFlags } from './flags.ts';
import { listenForCalls } from './listen-for-calls.ts';
import { namingDisk, openDevice } from './open-device.ts';

/** How often a sleeping agent looks whether the device's software has left a note: a crash is evidence within a minute. */
const FAULTS_EVERY_MS = MINUTE_MS;

// A cut at any point is safe, so a signal needs no ceremony.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(EXIT_CODES.stopped));

try {
  const start = { parameters: process.argv.slice(2), environment: process.env, workingFolder: process.cwd() };
  const flags = isFlagging(start) ? await flagCommand(start, `${process.pid}-${Date.now()}`) : readFlags(start);
  if (typeof flags === 'string') process.stdout.write(flags);
  else await namingDisk(flags.dataFolder, () => main(flags));
} catch (cause) {
  if (cause instanceof AgentEnd) end(cause.end, cause.message);
  // One line for people, one for those who mend the program.
  const stack = cause instanceof Error ? cause.stack : String(cause);
  process.stderr.write(`${JSON.stringify({ stage: 'device', code: 'failed', stack })}\n`);
  end('failed', 'The agent failed; start it again, it goes on from its journal');
}

function isFlagging({ parameters }: { readonly parameters: readonly string[] }): boolean {
  return parameters[0] === 'flag';
}

function end(name: keyof typeof EXIT_CODES, sentence: string): never {
  process.stderr.write(`outrider agent: ${sentence}\n`);
  process.exit(EXIT_CODES[name]);
}

async function main(flags: AgentFlags): Promise<void> {
  for (const notice of flags.notices) process.stderr.write(`outrider agent: ${notice}\n`);
  const ports = await openDevice(flags, {
    path: process.env.PATH ?? '/usr/bin:/bin',
    ...(flags.isRebootByExit && { onReboot: () => process.exit(EXIT_CODES.reboot) }),
  });
  const agent = composeAgent({ ...ports, watch: tellPhases() });
  const faults = await openFaultFolder(flags.dataFolder);
  if (flags.isConducted) {
    await runConducted(agent, { lines: process.stdin, answers: process.stdout, faults });
    process.exit(EXIT_CODES.stopped);
  }
  await runForever(agent, { flags, faults, client: ports.client });
}

/** Real time: the server spreads the polls of a fleet, the domain spreads the back-off. */
async function runForever(
  agent: Agent,
  { flags, faults, client }: { readonly flags: AgentFlags; readonly faults: FaultFolder; readonly client: HttpClient },
): Promise<never> {
  const clock = wallClock();
  const { nextWakeAt: pollsAt } = await agent.wakeBy(clock);
  if (flags.isCheckInNow) await agent.checkInNow();
  else tellPoll(flags, pollsAt);
  const calls = startListening({ flags, client, clock });
  for (;;) {
    const { nextWakeAt } = await agent.wakeBy(clock);
    // In steps, since a clock may be set, and software may leave a note of a fault.
    let seen = clock.now();
    while (clock.now() < nextWakeAt) {
      // A clock that was set back: the agent judges anew how long to wait.
      if (clock.now() < seen) break;
      seen = clock.now();
      if ((await faults.takeAll((fault) => agent.noteFault(fault))) > 0) break;
      await Promise.race([setTimeout(Math.min(FAULTS_EVERY_MS, nextWakeAt - clock.now())), calls.came()]);
      if (calls.take()) {
        await agent.heedCall(clock.now());
        break;
      }
    }
  }
}

/** Calls that come meanwhile: one or many are the same. */
function startListening({
  flags,
  client,
  clock,
}: {
  readonly flags: AgentFlags;
  readonly client: HttpClient;
  readonly clock: FleetClock;
}) {
  let next = Promise.withResolvers<void>();
  let hasCome = false;
  if (flags.listen !== 'off') {
    const line = flags.listen === 'websocket' ? wakeSocketLine(client) : heldRequestLine(client);
    void listenForCalls({
      ...{ line, deviceId: flags.deviceId, clock },
      wait: (ms) => setTimeout(ms),
      onCall() {
        hasCome = true;
        next.resolve();
      },
      onFault: (sentence) => void process.stderr.write(`outrider agent: ${sentence}\n`),
    });
  }
  return {
    came: () => next.promise,
    take() {
      const was = hasCome;
      if (was) next = Promise.withResolvers<void>();
      hasCome = false;
      return was;
    },
  };
}

/** A poll may be hours away: whoever watches is told that all is well, and how not to wait. */
function tellPoll({ deviceId, serverUrl }: AgentFlags, pollsAt: number): void {
  const at = new Date(pollsAt).toISOString();
  const sentence = `${deviceId} is registered at ${serverUrl.origin}; its next poll is at ${at}, --check-in-now asks at once`;
  process.stderr.write(`outrider agent: ${sentence}\n`);
}

/** One JSON line to stderr for each change of phase. */
function tellPhases(): NonNullable<AgentPorts['watch']> {
  let former = '';
  return (event, { journal }) => {
    if (journal.phase === former) return;
    former = journal.phase;
    const { phase, reason, deviceId } = journal;
    const detail = 'error' in event ? { detail: event.error.detail } : {};
    const line = { stage: 'device', deviceId, state: phase, reason, event: event.kind, ...detail };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
}
