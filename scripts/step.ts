// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

/** One gate: a program that must end with 0, and proof that it looked at something. */
export interface Step {
  readonly name: string;
  readonly run: (root: string) => Promise<StepResult>;
}

export interface StepResult {
  readonly isPassed: boolean;
  /** What was looked at, for example `120 files`; a step that looked at nothing is not passed. */
  readonly seen: string;
  /** What a person needs in order to mend it; empty when passed. */
  readonly output: string;
}

/** Machines with two cores are what we promise to be quick on. */
const PARALLEL_MAX = 2;

/** Runs the steps, two at a time, prints a row for each and the output of those that failed; true when all passed. */
export async function runSteps(root: string, steps: readonly Step[]): Promise<boolean> {
  const waiting = [...steps];
  let isPassed = true;
  const workers = Array.from({ length: PARALLEL_MAX }, async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const startedAtMs = performance.now();
      const result = await step.run(root);
      const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
      process.stdout.write(
        `${result.isPassed ? 'pass' : 'FAIL'}  ${step.name.padEnd(22)} ${seconds.padStart(6)} s  ${result.seen}\n`,
      );
      if (!result.isPassed) process.stdout.write(`${indent(result.output)}\n`);
      isPassed &&= result.isPassed;
    }
  });
  await Promise.all(workers);
  return isPassed;
}

/** How a program that was run to its end went. */
export interface Ran {
  readonly code: number;
  readonly output: string;
}

/** Runs a program of this checkout to its end and keeps what it printed. */
export function runProgram(
  root: string,
  program: string,
  parameters: readonly string[],
  environment?: NodeJS.ProcessEnv,
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, parameters, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment ?? process.env,
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (cause) => resolve({ code: 1, output: `${program} could not be started: ${cause.message}` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString('utf8').trim() }));
  });
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '      ');
}
