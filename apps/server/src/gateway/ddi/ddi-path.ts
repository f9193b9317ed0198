// SPDX-License-Identifier: Apache-2.0
import { type DeviceId, parseId } from '@outrider/domain/kernel/ids';

/** What a path of hawkBit's DDI names. */
export interface DdiPath {
  readonly tenant: string;
  /** Undefined: what stands there is no id of a device. */
  readonly deviceId: DeviceId | undefined;
  readonly resource: DdiResource | undefined;
}

export type DdiResource =
  | { readonly kind: 'base' }
  | { readonly kind: 'config-data' }
  | { readonly kind: 'deployment' | 'cancellation'; readonly actionId: number; readonly isFeedback: boolean }
  | { readonly kind: 'artifact'; readonly module: number; readonly name: string; readonly isMd5Sum: boolean };

/** Takes a path apart; undefined: it is none of DDI. The query (`?c=...` of hawkBit's own links) names nothing. */
export function parseDdiPath(path: string): DdiPath | undefined {
  const [, tenant, id, rest = ''] = ROOT.exec(path.split('?', 1)[0] ?? '') ?? [];
  if (tenant === undefined || id === undefined) return undefined;
  const deviceId = parseId<DeviceId>('device id', decoded(id));
  return { tenant, deviceId: deviceId.ok ? deviceId.value : undefined, resource: resourceOf(rest) };
}

/** The root of DDI below a tenant, for whoever has to know before a body is read. */
export function isDdiPath(path: string): boolean {
  return ROOT.test(path.split('?', 1)[0] ?? '');
}

function resourceOf(rest: string): DdiResource | undefined {
  if (rest === '' || rest === '/') return { kind: 'base' };
  if (rest === '/configData') return { kind: 'config-data' };
  const [, noun, number, feedback] = ACTION.exec(rest) ?? [];
  if (noun !== undefined) {
    const kind = noun === 'deploymentBase' ? 'deployment' : 'cancellation';
    return { kind, actionId: Number(number), isFeedback: feedback !== undefined };
  }
  const [, module, name, sum] = ARTIFACT.exec(rest) ?? [];
  if (module === undefined || name === undefined) return undefined;
  return { kind: 'artifact', module: Number(module), name: decoded(name), isMd5Sum: sum !== undefined };
}

/** A path that is no percent-encoding stays as it is, and names nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    return text;
  }
}

const ROOT = /^\/([^/]{1,128})\/controller\/v1\/([^/]{1,384})(\/.{0,1024})?$/;
const ACTION = /^\/(deploymentBase|cancelAction)\/(\d{1,10})(\/feedback)?$/;
const ARTIFACT = /^\/softwaremodules\/(\d{1,3})\/artifacts\/([^/]{1,384}?)(\.MD5SUM)?$/;
