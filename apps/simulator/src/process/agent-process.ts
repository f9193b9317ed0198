// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DeviceId } from '@outrider/domain/kernel/ids';
import type { FleetInstant } from '@outrider/domain/kernel/time';
import type { DeviceAttributes } from '@outrider/domain/policy/attributes';
import { parseText } from '@outrider/protocol/kernel/json-text';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { record, text, whole } from '@outrider/protocol/kernel/reader';
import { instant } from '@outrider/protocol/kernel/values';
import type { Participant, Sleepers } from '../play/stage.ts';
import { type Child, startChild } from './child.ts';

/** The real agent as a process of its own, with its own folder; fleet time comes to it line by line. */
export interface AgentProcess extends Participant, Sleepers {
  readonly hardwareId: string;
  readonly slot: () => string;
  /** Whether an image ever failed its health check here. */
  readonly hasReverted: () => boolean;
  /** Wakes it whatever it waits for: its clock was set. */
  wakeNow(now: FleetInstant): Promise<void>;
  stop(): Promise<void>;
}

/** What an agent answers when it rests. */
interface AgentAnswer {
  readonly nextWakeAt: FleetInstant;
  readonly sent: number;
  readonly handled: number;
  readonly state: string;
  readonly reason: string;
  readonly activeVersion: string;
  readonly slot: string;
}

export interface AgentProcessOptions {
  readonly deviceId: DeviceId;
  readonly attributes: DeviceAttributes;
  readonly serverUrl: string;
  readonly registrationToken: string;
  readonly dataFolder: string;
  readonly logPath: string;
  readonly factory: { readonly imagePath: string; readonly version: string; readonly releaseCounter: number };
}

/** Ended, or answered what is no answer: with what to look at. */
export class AgentProcessError extends Error {
  override readonly name = 'AgentProcessError';
}

const PROGRAM = fileURLToPath(new URL('../../../agent/src/main.ts', import.meta.url));

/** Starts an agent; it registers itself before its first answer, and is due at once. */
export function startAgent(options: AgentProcessOptions): AgentProcess {
  const { deviceId, attributes, logPath } = options;
  const child = startChild({ program: PROGRAM, arguments: flagsOf(options), logPath });
  let last: AgentAnswer | undefined;
  let hasReverted = false;

  async function wake(now: FleetInstant): Promise<AgentAnswer> {
    const answer = nextLine(child, deviceId, logPath);
    child.writeLine(JSON.stringify({ now }));
    return readAnswer(await answer, deviceId);
  }

  return {
    deviceId,
    hardwareId: attributes.hardwareId,
    slot: () => last?.slot ?? 'a',
    hasReverted: () => hasReverted,
    now: () => ({
      state: last?.state ?? 'idle',
      reason: last?.reason ?? '',
      activeVersion: last?.activeVersion ?? options.factory.version,
      isSilent: false,
    }),
    async wakeDue(now) {
      let woken = 0;
      let answered = 0;
      while (last === undefined || last.nextWakeAt <= now) {
        last = await wake(now);
        hasReverted ||= last.state === 'reverted';
        woken++;
        answered += last.handled;
      }
      return { woken, answered };
    },
    async wakeNow(now) {
      last = await wake(now);
    },
    stop: () => child.stop(),
  };
}

function flagsOf(options: AgentProcessOptions): readonly string[] {
  const { attributes, factory } = options;
  return [
    ...['--conducted', '--server', options.serverUrl, '--data', options.dataFolder, '--device-id', options.deviceId],
    ...['--device-type', attributes.deviceType, '--hardware-id', attributes.hardwareId, '--model', attributes.model],
    ...['--region', attributes.region, '--customer', attributes.customer, '--carrier', attributes.carrier],
    ...attributes.tags.flatMap((tag) => ['--tag', tag]),
    ...['--token', options.registrationToken, '--factory-image', factory.imagePath],
    ...['--factory-version', factory.version, '--factory-counter', String(factory.releaseCounter)],
  ];
}

/** The next line, or the end of the process, whichever comes first. */
async function nextLine(child: Child, deviceId: DeviceId, logPath: string): Promise<string> {
  const waiting = new AbortController();
  const line = once(child.lines, 'line', { signal: waiting.signal }).then(([text]) => String(text));
  const end = child.ended.then((how) => {
    throw new AgentProcessError(`The agent ${deviceId} ended (${how}); its log is ${logPath}`);
  });
  try {
    return await Promise.race([line, end]);
  } finally {
    // Whichever lost must not be heard of later.
    line.catch(() => undefined);
    end.catch(() => undefined);
    waiting.abort();
  }
}

function readAnswer(line: string, deviceId: DeviceId): AgentAnswer {
  const parsed = parseText(line, { noun: 'agent-answer', bytesMax: ANSWER_BYTES_MAX, reader: ANSWER });
  if (parsed.ok) return parsed.value;
  throw new AgentProcessError(`The agent ${deviceId} answered nothing usable: ${describeParseError(parsed.error)}`);
}

const ANSWER_BYTES_MAX = 65_536;
const word = text({ charactersMax: 4_096 });
const count = whole({ min: 0 });
const ANSWER = record<AgentAnswer>({
  nextWakeAt: instant,
  sent: count,
  handled: count,
  state: word,
  reason: word,
  activeVersion: word,
  slot: word,
});
