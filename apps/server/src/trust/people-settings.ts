// SPDX-License-Identifier: Apache-2.0
import type { RoleGrant } from '@outrider/domain/trust/role-grants';

/** How people sign in, from the settings of the server. */
export interface PeopleSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  /** The command line's: a public client with a redirect to the loopback. */
  readonly cliClientId: string;
  /** Beside the two clients: who else may be meant by a token, for an API registered at the issuer. */
  readonly audiences: readonly string[];
  readonly scope: string;
  /** The claim by which a person stands in the logs for good. */
  readonly personClaim: string;
  /** The claim that holds a text or a list of texts, each perhaps a grant. */
  readonly rolesClaim: string;
  readonly grants: readonly RoleGrant[];
  readonly algorithms: readonly string[];
  readonly clockSkewS: number;
  readonly isDevelopment: boolean;
}
