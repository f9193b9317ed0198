// SPDX-License-Identifier: Apache-2.0
import { Command, CommanderError, type Option } from 'commander';
import { EXIT_CODES } from './exit-codes.ts';
import { CommandFailure } from './failure.ts';
import { auditNoun } from './nouns/audit.ts';
import { backupNoun } from './nouns/backup.ts';
import { caNoun } from './nouns/ca.ts';
import { charterNoun } from './nouns/charter.ts';
import { clockNoun } from './nouns/clock.ts';
import { configNoun } from './nouns/config.ts';
import { ddiNoun } from './nouns/ddi.ts';
import { decisionNoun } from './nouns/decision.ts';
import { demoNoun } from './nouns/demo.ts';
import { deviceNoun } from './nouns/device.ts';
import { doctorNoun } from './nouns/doctor.ts';
import { evidenceNoun } from './nouns/evidence.ts';
import { explainNoun } from './nouns/explain.ts';
import { groupNoun } from './nouns/group.ts';
import { keyNoun } from './nouns/key.ts';
import { loginNouns } from './nouns/login.ts';
import { orderNouns } from './nouns/orders.ts';
import { personNoun } from './nouns/person.ts';
import { releaseNoun } from './nouns/release.ts';
import { restoreNoun } from './nouns/restore.ts';
import { rolloutNoun } from './nouns/rollout.ts';
import { scopeNouns } from './nouns/scope.ts';
import { statusNoun } from './nouns/status.ts';
import { terminatorNoun } from './nouns/terminator.ts';
import { tokenNoun } from './nouns/token.ts';
import { topNoun } from './nouns/top.ts';
import { trustNoun } from './nouns/trust.ts';
import { upNoun } from './nouns/up.ts';
import { VERSION } from './version.ts';
import type { World } from './world.ts';

/** Runs one command line to its end and gives the exit code; every failure is one sentence on standard error. */
export async function run(world: World, parameters: readonly string[]): Promise<number> {
  let ended: number = EXIT_CODES.ok;
  const program = buildProgram(world, (code) => {
    ended = code;
  });
  try {
    await program.parseAsync([...parameters], { from: 'user' });
    return ended;
  } catch (cause) {
    const failure = asFailure(cause, program, parameters);
    if (failure === undefined) return EXIT_CODES.ok;
    const isJson = parameters.includes('--json');
    world.log(
      isJson
        ? JSON.stringify({ error: { code: failure.code, message: failure.message } })
        : `outrider: ${failure.message}`,
    );
    return EXIT_CODES[failure.exit];
  }
}

/** `end` takes the exit code of a child process that a verb ran to its end. */
function buildProgram(world: World, end: (code: number) => void): Command {
  const program = new Command('outrider');
  program
    .description('Over-the-air updates that ride ahead: `outrider <noun> <verb>`')
    .exitOverride()
    .configureOutput({ writeOut: world.write, writeErr: () => {}, outputError: () => {} })
    .showSuggestionAfterError(false)
    .enablePositionalOptions()
    .version(VERSION)
    .addHelpText('after', exitCodeHelp());
  upNoun(program, world, end);
  demoNoun(program, world, end);
  backupNoun(program, world);
  restoreNoun(program, world);
  keyNoun(program, world);
  caNoun(program, world);
  terminatorNoun(program, world);
  charterNoun(program, world);
  releaseNoun(program, world);
  trustNoun(program, world);
  rolloutNoun(program, world);
  scopeNouns(program, world);
  deviceNoun(program, world);
  ddiNoun(program, world);
  evidenceNoun(program, world);
  decisionNoun(program, world);
  auditNoun(program, world);
  statusNoun(program, world);
  explainNoun(program, world);
  topNoun(program, world);
  clockNoun(program, world);
  groupNoun(program, world);
  orderNouns(program, world);
  loginNouns(program, world);
  tokenNoun(program, world);
  personNoun(program, world);
  configNoun(program, world);
  doctorNoun(program, world, end);
  withoutHelpCommand(program);
  return program;
}

/** Commander hands all other settings down by itself; `--help` is enough of help. */
function withoutHelpCommand(command: Command): void {
  command.helpCommand(false);
  for (const one of command.commands) withoutHelpCommand(one);
}

function exitCodeHelp(): string {
  const codes = Object.entries(EXIT_CODES).map(([name, code]) => `${code} ${name}`);
  return `\nExit codes: ${codes.join(', ')}`;
}

/** Undefined: help was asked for and given. What nobody foresaw is thrown on: a bug shows its stack. */
function asFailure(cause: unknown, program: Command, parameters: readonly string[]): CommandFailure | undefined {
  if (cause instanceof CommandFailure) return cause;
  if (!(cause instanceof CommanderError)) throw cause;
  if (cause.exitCode === 0) return undefined;
  const command = commandOf(program, parameters);
  const said = sentenceOf(cause);
  // A value that was refused carries what is allowed; for all else the whole command line is shown.
  const allowed = cause.code === 'commander.invalidArgument' ? '' : `; ${allowedIn(command)}`;
  return new CommandFailure('usage', `${said}${allowed}. See \`${pathOf(command)} --help\``, { code: cause.code });
}

function sentenceOf(cause: CommanderError): string {
  if (cause.code === 'commander.help') return 'The command is not complete';
  const [line = ''] = cause.message.replace(/^error: /, '').split('\n');
  const text = line
    .replace(/\.$/, '')
    .replace(/ is invalid\. (\w)/, (_, letter: string) => ` is invalid; ${letter.toLowerCase()}`);
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The deepest command that the words lead to. */
function commandOf(program: Command, parameters: readonly string[]): Command {
  let command = program;
  for (const word of parameters) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    command = next;
  }
  return command;
}

function allowedIn(command: Command): string {
  if (command.commands.length > 0) return `allowed are ${command.commands.map((one) => one.name()).join(', ')}`;
  const words = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const flags = command.options.filter((option) => !option.hidden).map(flagOf);
  return `allowed are ${[...words, ...flags].join(' ')}`;
}

function flagOf(option: Option): string {
  return option.mandatory ? option.flags : `[${option.flags}]`;
}

function pathOf(command: Command): string {
  const parent = command.parent;
  return parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`;
}
