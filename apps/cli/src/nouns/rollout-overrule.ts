// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { usageFailure } from '../failure.ts';
import { repeatedLabel } from '../flags.ts';

export interface OverruleFlags {
  readonly overrule?: readonly string[];
  readonly because?: string;
}

/** Adds the flags by which a person takes a finding about a plan on themselves. */
export function withOverrule(command: Command): Command {
  return command
    .option('--overrule <finding>', 'go on in spite of this finding about the plan; repeat it', repeatedLabel)
    .option('--because <text>', 'why the plan is right nevertheless; kept in the policy log under your name');
}

/** The overrules of a request; a finding without a reason, or a reason without a finding, is nobody's wish. */
export function overrulesOf({ overrule, because }: OverruleFlags): { readonly overrules?: readonly object[] } {
  if (overrule === undefined && because === undefined) return {};
  if (overrule === undefined || because === undefined || because === '') {
    throw usageFailure(
      'A finding is overruled with both --overrule <finding> and --because <text>; give the other one too',
    );
  }
  return { overrules: overrule.map((finding) => ({ finding, because })) };
}
