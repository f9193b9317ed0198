// SPDX-License-Identifier: Apache-2.0
import { metadataSigner, metadataVerifierOf } from '@outrider/adapters/shared/metadata-keys';
import { TRUST_TOOLS } from '@outrider/adapters/shared/metadata-repository';
import { err, ok } from '@outrider/domain/kernel/result';
import type { Signer } from '@outrider/domain/trust/ports';
import type { MetadataSource, MetadataStore, TrustTools } from '@outrider/domain/trust/tuf/ports';
import type { Server } from '@outrider/server/compose';
import { rememberedTools } from '../fleet/remembered-tools.ts';
import type { SimKeys } from './sim-keys.ts';

/** How a simulation reads documents: with its own kind of keys, each document once. */
export function simTools({ verifier }: SimKeys): TrustTools {
  return rememberedTools({ ...TRUST_TOOLS, verifier: metadataVerifierOf(verifier) });
}

/** Both repositories of a simulation, and the keys of its servers. */
export function simRepositories(
  { signerOf }: SimKeys,
  { permitSigner, tools }: { readonly permitSigner: Signer; readonly tools: TrustTools },
) {
  const documents = new Map<string, string>();
  const files: MetadataStore = {
    loadMetadata: async (name) => documents.get(name),
    storeMetadata: async (name, text) => void documents.set(name, text),
  };
  const online = {
    snapshot: metadataSigner(signerOf('snapshot')),
    timestamp: metadataSigner(signerOf('timestamp')),
    director: metadataSigner(permitSigner),
  };
  return { files, online, tools };
}

/** What a server serves below `/repo/`. No fault of the network reaches it: the weather is between devices and gateways. */
export function documentsOf(server: Pick<Server, 'handleDevice'>): MetadataSource {
  return {
    async fetchMetadata(name) {
      const { status, body } = await server.handleDevice({
        method: 'GET',
        path: `/repo/${name}`,
        headers: {},
        body: '',
      });
      if (status === 404) return ok(undefined);
      if (status === 200 && typeof body === 'string') return ok(body);
      return err({ code: 'unreachable', detail: `The server answered ${status}` });
    },
  };
}
