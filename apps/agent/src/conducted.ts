// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { FaultFolder } from '@outrider/adapters/device/fault-folder';
import { type FleetInstant, fleetInstant } from '@outrider/domain/kernel/time';
import type { Agent } from './compose.ts';

/**
 * A conductor steps the fleet's time: for each line `{"now":<ms>}` the agent wakes at that instant, works until it must wait,
 * and answers with one line. A line it does not understand is answered with an error and changes nothing. Ends with the input.
 */
export async function runConducted(agent: Agent, { lines, answers, faults }: ConductedStreams): Promise<void> {
  for await (const line of createInterface({ input: lines })) {
    if (line.trim() === '') continue;
    const now = readNow(line);
    // The files bear the time of the machine, the agent lives in fleet time: what is noted happened by now.
    if (now !== undefined && agent.status() !== undefined) {
      await faults.takeAll(({ event, detail }) => agent.noteFault({ event, detail, at: now }));
    }
    const answer = now === undefined ? malformed(line) : { ...(await agent.wake(now)), ...agent.status() };
    answers.write(`${JSON.stringify(answer)}\n`);
  }
}

/** Where lines come from, where answers go, and where the device's software notes its faults. */
export interface ConductedStreams {
  readonly lines: Readable;
  readonly answers: Writable;
  readonly faults: FaultFolder;
}

function readNow(line: string): FleetInstant | undefined {
  try {
    const { now } = JSON.parse(line);
    return Number.isSafeInteger(now) && now >= 0 ? fleetInstant(now) : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) return undefined;
    throw cause;
  }
}

function malformed(line: string) {
  const detail = `The line is ${line.slice(0, 100)}, allowed is {"now":<whole milliseconds since 1970>}`;
  return { error: { code: 'line-malformed', detail } };
}
