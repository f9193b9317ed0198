// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '@outrider/domain/kernel/result';
import { RELEASE_ERRORS } from '@outrider/domain/release/errors';
import { RELEASE_MANIFEST_TYPE, type ReleaseManifest } from '@outrider/domain/release/release';
import { validateManifest } from '@outrider/domain/release/validate-manifest';
import type { Envelope } from '@outrider/domain/trust/envelope';
import type { SignatureVerifier } from '@outrider/domain/trust/ports';
import type { SigningRole } from '@outrider/domain/trust/role';
import { verifyThreshold } from '@outrider/domain/trust/verify-threshold';
import { describeParseError } from '@outrider/protocol/kernel/parse-error';
import { parseManifest } from '@outrider/protocol/release/manifest';
import { type CommandError, refuse } from '../errors.ts';

/** The manifest in an envelope that enough groups have signed. Nothing of the payload is parsed before that is known. */
export function readRelease(
  envelope: Envelope,
  role: SigningRole,
  verifier: SignatureVerifier,
): Result<ReleaseManifest, CommandError> {
  if (envelope.payloadType !== RELEASE_MANIFEST_TYPE) {
    const detail = `The envelope holds ${envelope.payloadType}, a release is ${RELEASE_MANIFEST_TYPE}`;
    return refuse('payload-type-unexpected', detail);
  }
  const verified = verifyThreshold(envelope, role, verifier);
  if (!verified.ok) {
    const { error } = verified;
    if (error.code === 'role-invalid') return refuse('release-role-missing', error.detail);
    const signed = error.groupsSigned.length === 0 ? 'no group' : error.groupsSigned.join(' and ');
    const groups = role.groups.map((group) => group.name).join(', ');
    const detail = `Validly signed by ${signed}, needed are ${error.threshold} of the groups ${groups}; add the signatures`;
    return refuse('threshold-not-met', detail, { groupsSigned: [...error.groupsSigned], threshold: error.threshold });
  }
  const parsed = parseManifest(envelope.payload);
  if (!parsed.ok) return refuse('manifest-invalid', describeParseError(parsed.error), { field: parsed.error.path });
  const valid = validateManifest(parsed.value);
  if (valid.ok) return ok(valid.value);
  const { code, field, seen, allowed } = valid.error;
  const detail = `${RELEASE_ERRORS[code]}: ${field} is ${seen}, allowed is ${allowed}`;
  return err({ code: 'manifest-invalid', detail, fields: { rule: code, field, seen, allowed } });
}
