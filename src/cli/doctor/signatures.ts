/** Checks of bundle signatures: which policy counts for whom, and whether the keys can be used. */

import { statSync } from 'node:fs';
import type { AgentConfig } from '../../config/agent-config.ts';
import { type SignatureRules, withGroupSettings } from '../../config/group-settings.ts';
import { groupsWithHistory, readHistory } from '../../deployment/history.ts';
import { isSlipwayError, messageOf } from '../../errors.ts';
import { readSigners } from '../../signature/signed-file.ts';
import type { Signer } from '../../signature/signers.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { type Finding, fail, ok, warn } from './check.ts';

export function lookAtSignatures(
  { rootDir, bundleSignatures, deploymentGroups }: AgentConfig,
  nowMs: number,
): Finding[] {
  const known = new Set(knownGroups(rootDir));
  const ofGroups = deploymentGroups.flatMap(({ group, ...own }) => {
    const check = `bundle signatures of ${group}`;
    const findings = lookAt(check, withGroupSettings(bundleSignatures, own), nowMs);
    return known.has(group) ? findings : [...findings, neverSeen(check)];
  });
  return [...lookAt('bundle signatures', bundleSignatures, nowMs), ...ofGroups];
}

/** A name with a slip in it would leave the group to what counts for all, and nobody would notice. */
function neverSeen(check: string): Finding {
  return warn(
    check,
    'nothing was ever installed for a group of this id or name on this host',
    'Before its first deployment this is normal; else compare with `slipway status`, which shows the names and ids of groups.',
  );
}

/** Every id, and every `APPLICATION/GROUP`, that something was installed for. */
function knownGroups(rootDir: string): readonly string[] {
  return groupsWithHistory(rootDir).flatMap((id) => [
    id,
    ...readHistory(rootDir, id).map(
      ({ applicationName, deploymentGroupName }) => `${applicationName}/${deploymentGroupName}`,
    ),
  ]);
}

function lookAt(check: string, { policy, signersFile }: SignatureRules, nowMs: number): Finding[] {
  if (policy === 'off') return [ok(check, 'off: nobody looks whether bundles are signed')];
  let signers: readonly Signer[];
  try {
    signers = readSigners(signersFile);
  } catch (error) {
    const remedy = isSlipwayError(error) ? error.remedy : 'Look at bundle_signers_file.';
    return [fail(check, `${policy}, but ${messageOf(error)}`, remedy)];
  }
  const outdated = signers.filter((signer) => !isValid(signer, nowMs));
  const findings = [ok(check, `${policy}, by ${signersFile}: ${signers.map(nameOf).join(', ')}`)];
  if (outdated.length > 0) {
    const detail = `keys that are not valid now: ${outdated.map(nameOf).join(', ')}`;
    const remedy = 'Correct valid-after and valid-before of their lines, or take the lines out; check the clock.';
    findings.push((outdated.length === signers.length ? fail : warn)(check, detail, remedy));
  }
  if (signersFile !== null && (statSync(signersFile).mode & 0o022) !== 0) {
    const remedy = `${shellCommand('chmod', 'go-w', signersFile)}: whoever writes there decides what runs here.`;
    findings.push(warn(check, `${signersFile} may be written by others than its owner`, remedy));
  }
  return findings;
}

function isValid(signer: Signer, nowMs: number): boolean {
  if (signer.format === 'minisign') return true;
  return nowMs >= (signer.validAfterMs ?? nowMs) && nowMs < (signer.validBeforeMs ?? Number.POSITIVE_INFINITY);
}

function nameOf({ name, keyId }: Signer): string {
  return `${name} (${keyId})`;
}
