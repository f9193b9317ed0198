// SPDX-License-Identifier: Apache-2.0
import { delay } from '@outrider/adapters/shared/delay';
import { type Overview, parseOverview } from '@outrider/protocol/decision/overview';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import type { Command } from 'commander';
import { cellAt, listAt, parseAnswer } from '../answer.ts';
import { type ConnectionFlags, withConnection } from '../connection.ts';
import { CommandFailure } from '../failure.ts';
import type { ManagementClient } from '../management-client.ts';
import type { OutputFlags } from '../output.ts';
import { PATHS, pathOfOne } from '../paths.ts';
import { connect } from '../server.ts';
import type { Terminal } from '../terminal.ts';
import type { World } from '../world.ts';
import { afterKey, type Dialog, nameOf, type PauseTarget, promptOf } from './top/pause-dialog.ts';
import { openScreen } from './top/screen.ts';
import { topFrame } from './top/top-frame.ts';

type Flags = ConnectionFlags & OutputFlags & { readonly once?: true };

/** `outrider top`: the installation at a glance, each second anew. */
export function topNoun(program: Command, world: World): void {
  withConnection(program.command('top'))
    .description('watch rollouts, evidence and the server live; q quits, p pauses; without a terminal: one look')
    .option('--once', 'one look as text, then the end')
    .option('--json', 'one look as JSON, then the end')
    .action((flags: Flags) => top(world, flags));
}

const REFRESH_MS = 1_000;
/** Where there is no terminal to ask for its width nothing is cut: programs and logs take long lines. */
const COLUMNS_OF_TEXT = 2_000;

async function top(world: World, flags: Flags): Promise<void> {
  const client = await connect(world, flags);
  const isOnce = flags.once === true || flags.json === true;
  const terminal = isOnce ? undefined : world.openTerminal?.();
  if (terminal === undefined) return showOnce(world, client, flags);
  // The first look ends the command if there is no server or no right: nobody wants to watch that.
  let overview: Overview;
  try {
    overview = readOverview(await ask(client));
  } catch (cause) {
    terminal.close();
    throw cause;
  }
  await watch(world, client, { terminal, overview });
}

async function showOnce(world: World, client: ManagementClient, flags: Flags): Promise<void> {
  const text = await ask(client);
  if (flags.json === true) return world.write(`${text.trimEnd()}\n`);
  const lines = topFrame({ overview: readOverview(text), url: client.url }, { columns: COLUMNS_OF_TEXT });
  world.write(lines.map((line) => `${line.text.trimEnd()}\n`).join(''));
}

/** Draws until a person has seen enough. A server that goes away is waited for: it is then that people watch. */
async function watch(
  world: World,
  client: ManagementClient,
  start: { readonly terminal: Terminal; readonly overview: Overview },
): Promise<void> {
  const { terminal } = start;
  const { NO_COLOR, TERM } = world.environment;
  const screen = openScreen(terminal, (NO_COLOR ?? '') === '' && TERM !== 'dumb');
  const interruption = world.interruption();
  let overview = start.overview;
  let fault: string | undefined;
  let dialog: Dialog = { kind: 'watching' };
  const ending = new AbortController();
  let broken: unknown;

  function draw(): void {
    const seen = { overview, url: client.url, prompt: promptOf(dialog), ...(fault === undefined ? {} : { fault }) };
    screen.draw(topFrame(seen, { columns: terminal.columns(), rows: terminal.rows() }));
  }

  async function pause(target: PauseTarget, reason: string): Promise<void> {
    const said = await pauseNow(client, target, { reason, author: world.environment.USER }).catch((cause: unknown) =>
      sentenceOf(cause),
    );
    dialog = { kind: 'watching', said };
    draw();
  }

  terminal.onResize(draw);
  terminal.onKey((key) => {
    const [next, effect] = afterKey(dialog, key, overview);
    dialog = next;
    if (effect.kind === 'quit') return ending.abort();
    if (effect.kind === 'pause') {
      pause(effect.target, effect.reason).catch((cause: unknown) => {
        broken = cause;
        ending.abort();
      });
    }
    draw();
  });
  interruption.addEventListener('abort', () => ending.abort());
  try {
    while (!ending.signal.aborted && !interruption.aborted) {
      draw();
      await delay(REFRESH_MS, ending.signal);
      if (ending.signal.aborted) break;
      try {
        overview = readOverview(await ask(client));
        fault = undefined;
      } catch (cause) {
        fault = sentenceOf(cause);
      }
    }
  } finally {
    screen.close();
  }
  if (broken !== undefined) throw broken;
}

function ask(client: ManagementClient): Promise<string> {
  return client.ask({ method: 'GET', path: PATHS.overview });
}

function readOverview(text: string): Overview {
  const parsed = parseOverview(text);
  if (parsed.ok) return parsed.value;
  const detail = `The server answers in a form that this command does not know: ${describeParseError(parsed.error)}`;
  throw new CommandFailure('failed', `${detail}; use the command line of the server's version`);
}

/** Pauses and says what came of it. */
async function pauseNow(
  client: ManagementClient,
  target: PauseTarget,
  why: { readonly reason: string; readonly author: string | undefined },
): Promise<string> {
  const what = target.kind === 'global' ? { scope: 'global' } : { event: 'pause' };
  const path = target.kind === 'global' ? `${PATHS.scopes}/pause` : pathOfOne('rollouts', target.rolloutId, 'events');
  const { value } = parseAnswer(await client.ask({ method: 'POST', path, json: JSON.stringify({ ...what, ...why }) }));
  const open = listAt(value, 'openPermits').length;
  return `Paused ${nameOf(target)} at revision ${cellAt(value, 'revision')}; devices that still hold a permit: ${open}`;
}

/** What was foreseen has a sentence; a fault in this program is thrown on. */
function sentenceOf(cause: unknown): string {
  if (cause instanceof CommandFailure) return cause.message;
  throw cause;
}
