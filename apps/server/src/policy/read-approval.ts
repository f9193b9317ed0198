// SPDX-License-Identifier: Apache-2.0
import { ok, type Result } from '@outrider/domain/kernel/result';
import { APPROVAL_TYPE, type ApprovalAction, type ApprovalDocument, misfitOf } from '@outrider/domain/policy/approval';
import type { ChangeSigner } from '@outrider/domain/policy/log';
import {
  RESUME_GROUPS_MIN,
  RESUME_TYPE,
  type ResumeApproval,
  type ResumeTerms,
  resumeMisfitOf,
} from '@outrider/domain/policy/resume-approval';
import type { Rollout } from '@outrider/domain/policy/rollout';
import type { Envelope } from '@outrider/domain/trust/envelope';
import type { SignatureVerifier } from '@outrider/domain/trust/ports';
import type { SigningRole } from '@outrider/domain/trust/role';
import { verifyThreshold } from '@outrider/domain/trust/verify-threshold';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseApproval } from '@outrider/protocol/policy/approval';
import { parseResumeApproval } from '@outrider/protocol/policy/resume-approval';
import { type CommandError, refuse } from '../errors.ts';
import type { NameSigners } from './signers.ts';

/** Who approves, and how signatures are checked. */
export interface ApprovalPorts {
  readonly verifier: SignatureVerifier;
  /** Undefined while no role is installed, and nothing can be approved then. */
  readonly loadApproverRole: () => Promise<SigningRole | undefined>;
  readonly nameSigners: NameSigners;
}

/** What approvers have signed, and who they are. */
export interface Approved<T> {
  readonly document: T;
  readonly signers: readonly ChangeSigner[];
}

/**
 * The approval in an envelope that enough groups of approvers have signed, for this step of this rollout as it stands.
 * Nothing of the payload is parsed before that is known. Codes: approver-role-missing, payload-type-unexpected,
 * role-invalid, threshold-not-met, approval-invalid.
 */
export async function readApproval(
  envelope: Envelope,
  { action, rollout }: { readonly action: ApprovalAction; readonly rollout: Rollout },
  ports: ApprovalPorts,
): Promise<Result<Approved<ApprovalDocument>, CommandError>> {
  const signed = await verifySigned(envelope, { payloadType: APPROVAL_TYPE, groupsMin: 1 }, ports);
  if (!signed.ok) return signed;
  const parsed = parseApproval(envelope.payload);
  if (!parsed.ok) return refuse('approval-invalid', describeParseError(parsed.error));
  const misfit = misfitOf(parsed.value, action, rollout);
  if (misfit === undefined) return ok({ document: parsed.value, signers: signed.value });
  return refuse('approval-invalid', `The approval does not fit: ${misfit}; let it be signed anew`);
}

/**
 * The resume in an envelope that at least two groups of approvers have signed, and as many as their role demands, about the
 * rollout as it stands. Codes: approver-role-missing, payload-type-unexpected, role-invalid, threshold-not-met, resume-invalid.
 */
export async function readResume(
  envelope: Envelope,
  terms: ResumeTerms,
  ports: ApprovalPorts,
): Promise<Result<Approved<ResumeApproval>, CommandError>> {
  const signed = await verifySigned(envelope, { payloadType: RESUME_TYPE, groupsMin: RESUME_GROUPS_MIN }, ports);
  if (!signed.ok) return signed;
  const parsed = parseResumeApproval(envelope.payload);
  if (!parsed.ok) return refuse('resume-invalid', describeParseError(parsed.error));
  const misfit = resumeMisfitOf(parsed.value, terms);
  if (misfit === undefined) return ok({ document: parsed.value, signers: signed.value });
  return refuse('resume-invalid', `The resume does not fit: ${misfit}; look again and let it be signed anew`);
}

/** What to do where nobody approves. */
export const NO_APPROVERS =
  'The server has no approvers; name them in the root with `outrider trust rotate --role approvers`, or without repositories in approver-role.json';

interface Wanted {
  readonly payloadType: string;
  /** Groups that must have signed, also where the role is content with fewer. */
  readonly groupsMin: number;
}

async function verifySigned(
  envelope: Envelope,
  { payloadType, groupsMin }: Wanted,
  { verifier, loadApproverRole, nameSigners }: ApprovalPorts,
): Promise<Result<readonly ChangeSigner[], CommandError>> {
  const installed = await loadApproverRole();
  if (installed === undefined) {
    return refuse('approver-role-missing', NO_APPROVERS);
  }
  if (envelope.payloadType !== payloadType) {
    return refuse('payload-type-unexpected', `The envelope holds ${envelope.payloadType}, needed is ${payloadType}`);
  }
  // A role of one group can then verify nothing that takes two: it is refused by name.
  const role = { ...installed, threshold: Math.max(installed.threshold, groupsMin) };
  const verified = verifyThreshold(envelope, role, verifier);
  return verified.ok ? ok(await nameSigners(envelope, role)) : refuseSignatures(verified.error, role);
}

type Unverified = Extract<ReturnType<typeof verifyThreshold>, { readonly ok: false }>['error'];

function refuseSignatures(error: Unverified, { groups }: SigningRole): ReturnType<typeof refuse> {
  if (error.code === 'role-invalid') return refuse('role-invalid', error.detail);
  const signed = error.groupsSigned.length === 0 ? 'no group' : error.groupsSigned.join(' and ');
  const names = groups.map((group) => group.name).join(', ');
  const detail = `Validly signed by ${signed}, needed are ${error.threshold} of the groups ${names}; add the signatures`;
  return refuse('threshold-not-met', detail, { groupsSigned: [...error.groupsSigned], threshold: error.threshold });
}
