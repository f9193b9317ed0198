// SPDX-License-Identifier: Apache-2.0
import type { IdentityStore } from '@outrider/domain/gateway/identity-ports';
import { appendAudit } from './audit.ts';
import type { MemoryState } from './state.ts';

export function memoryIdentities(state: MemoryState): IdentityStore {
  return {
    async storeToken(token, note) {
      state.tokens.set(token.digest, token);
      appendAudit(state, note);
    },
    async listTokens(limit) {
      const newestFirst = [...state.tokens.values()].sort(
        (left, right) => right.createdAt - left.createdAt || (left.digest < right.digest ? -1 : 1),
      );
      return newestFirst.slice(0, limit);
    },
    async storeCertificates(certificates) {
      state.certificates.push(...certificates);
    },
    async loadCertificates(deviceId, limit) {
      const own = state.certificates.filter((one) => one.deviceId === deviceId);
      return own
        .sort((left, right) => right.notBefore - left.notBefore || (left.serial < right.serial ? -1 : 1))
        .slice(0, limit);
    },
  };
}
