// SPDX-License-Identifier: Apache-2.0
import { err, ok, type Result } from '../kernel/result.ts';
import type { ReleaseError, ReleaseErrorCode } from './errors.ts';
import type { Component, ReleaseManifest, RollbackTwin } from './release.ts';
import { compareVersions } from './version.ts';

/** Smallest block, in bytes: one page of flash. */
export const BLOCK_BYTES_MIN = 4_096;
/** Largest block, in bytes: it fits the buffer of a small device. */
export const BLOCK_BYTES_MAX = 4_194_304;

/**
 * The rules between the fields of a parsed manifest; the first one broken is told. Codes: those of `ReleaseErrorCode`.
 */
export function validateManifest(manifest: ReleaseManifest): Result<ReleaseManifest, ReleaseError> {
  const error =
    faultOfComponents(manifest.components, 'components') ??
    faultOfNumbers(manifest) ??
    faultOfDependencies(manifest) ??
    (manifest.rollbackTwin === undefined ? undefined : faultOfTwin(manifest, manifest.rollbackTwin));
  return error === undefined ? ok(manifest) : err(error);
}

function faultOfComponents(components: readonly Component[], field: string): ReleaseError | undefined {
  const [first] = components;
  if (first === undefined) return fault('component-missing', field, ['an empty list', 'one component or more']);
  const names = components.map((one) => one.name);
  for (const [index, component] of components.entries()) {
    const at = `${field}[${index}]`;
    const error =
      names.indexOf(component.name) < index
        ? fault('component-duplicate', `${at}.name`, [component.name, 'a name that no other component has'])
        : faultOfComponent(component, at);
    if (error !== undefined) return error;
  }
  const shared = first.hardwareIds.filter((id) => components.every((one) => one.hardwareIds.includes(id)));
  if (shared.length > 0) return undefined;
  const seen = components.map((one) => `${one.name}: ${one.hardwareIds.join(' ')}`).join('; ');
  return fault('hardware-not-shared', field, [seen, 'a hardware revision that all components name']);
}

function faultOfComponent({ hardwareIds, image }: Component, at: string): ReleaseError | undefined {
  if (hardwareIds.length === 0) {
    return fault('hardware-id-missing', `${at}.hardwareIds`, ['an empty list', 'one hardware revision or more']);
  }
  if (image.bytes < 1) return fault('image-empty', `${at}.image.bytes`, [`${image.bytes}`, '1 or more']);
  const isPowerOfTwo = Number.isInteger(Math.log2(image.blockBytes));
  if (image.blockBytes < BLOCK_BYTES_MIN || image.blockBytes > BLOCK_BYTES_MAX || !isPowerOfTwo) {
    const allowed = `a power of two from ${BLOCK_BYTES_MIN} to ${BLOCK_BYTES_MAX}`;
    return fault('block-size-invalid', `${at}.image.blockBytes`, [`${image.blockBytes}`, allowed]);
  }
  return undefined;
}

function faultOfNumbers({ releaseCounter, version, floorVersion }: ReleaseManifest): ReleaseError | undefined {
  if (releaseCounter < 1) return fault('counter-not-positive', 'releaseCounter', [`${releaseCounter}`, '1 or more']);
  if (floorVersion !== undefined && compareVersions(floorVersion, version) > 0) {
    return fault('floor-above-version', 'floorVersion', [floorVersion, `at most the version, ${version}`]);
  }
  return undefined;
}

function faultOfDependencies({ components, dependencies }: ReleaseManifest): ReleaseError | undefined {
  const names = dependencies.map((one) => one.component);
  for (const [index, name] of names.entries()) {
    const field = `dependencies[${index}].component`;
    if (components.some((one) => one.name === name)) {
      return fault('dependency-on-itself', field, [name, 'a component that the bundle does not hold']);
    }
    if (names.indexOf(name) < index) {
      return fault('dependency-duplicate', field, [name, 'a component that no other dependency names']);
    }
  }
  return undefined;
}

function faultOfTwin(release: ReleaseManifest, twin: RollbackTwin): ReleaseError | undefined {
  if (twin.releaseId === release.releaseId) {
    return fault('twin-id-same', 'rollbackTwin.releaseId', [twin.releaseId, 'an id of its own']);
  }
  if (compareVersions(twin.version, release.version) === 0) {
    return fault('twin-version-same', 'rollbackTwin.version', [
      twin.version,
      `another version than ${release.version}`,
    ]);
  }
  if (twin.releaseCounter <= release.releaseCounter) {
    const allowed = `above ${release.releaseCounter}, the counter of the release`;
    return fault('twin-counter-too-low', 'rollbackTwin.releaseCounter', [`${twin.releaseCounter}`, allowed]);
  }
  const names = namesOf(release.components);
  if (namesOf(twin.components) !== names) {
    return fault('twin-components-differ', 'rollbackTwin.components', [namesOf(twin.components), names]);
  }
  return faultOfComponents(twin.components, 'rollbackTwin.components') ?? faultOfTwinHardware(release, twin);
}

function faultOfTwinHardware(release: ReleaseManifest, twin: RollbackTwin): ReleaseError | undefined {
  for (const [index, { hardwareIds }] of release.components.entries()) {
    const covered = twin.components[index]?.hardwareIds ?? [];
    if (hardwareIds.every((id) => covered.includes(id))) continue;
    const field = `rollbackTwin.components[${index}].hardwareIds`;
    return fault('twin-hardware-missing', field, [covered.join(' '), `all of ${hardwareIds.join(' ')}`]);
  }
  return undefined;
}

function namesOf(components: readonly Component[]): string {
  return components.map((one) => one.name).join(', ');
}

function fault(code: ReleaseErrorCode, field: string, [seen, allowed]: readonly [string, string]): ReleaseError {
  return { code, field, seen, allowed };
}
