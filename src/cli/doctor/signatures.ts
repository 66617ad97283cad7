/** What the doctor says about bundle signatures: which policy counts for whom, and whether the keys can be used. */
import { statSync } from 'node:fs';
import type { AgentConfig } from '../../config/agent-config.ts';
import { type SignatureRules, withGroupSettings } from '../../config/group-settings.ts';
import { isSlipwayError, messageOf } from '../../errors.ts';
import { readSigners } from '../../signature/signed-file.ts';
import type { Signer } from '../../signature/signers.ts';
import { type Finding, fail, ok, warn } from './check.ts';

export function lookAtSignatures({ bundleSignatures, deploymentGroups }: AgentConfig, nowMs: number): Finding[] {
  const ofGroups = deploymentGroups.flatMap(({ group, ...own }) =>
    lookAt(`bundle signatures of ${group}`, withGroupSettings(bundleSignatures, own), nowMs),
  );
  return [...lookAt('bundle signatures', bundleSignatures, nowMs), ...ofGroups];
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
    const remedy = 'Mend valid-after and valid-before of their lines, or take the lines out; check the clock.';
    findings.push((outdated.length === signers.length ? fail : warn)(check, detail, remedy));
  }
  if (signersFile !== null && (statSync(signersFile).mode & 0o022) !== 0) {
    const remedy = `chmod go-w ${signersFile}: whoever writes there decides what runs here.`;
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
