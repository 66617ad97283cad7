/** The master key: there, for its owner alone, readable by the server, and the one that the database was sealed with. */

import { type Stats, statSync } from 'node:fs';
import { isSlipwayError, messageOf, systemErrorCode } from '../../../errors.ts';
import { findLost } from '../../../server/secrets/open-sealer.ts';
import { masterKeyFileOf } from '../../../server/secrets/sealing.ts';
import type { LookedAtStore } from '../../../server/store/look.ts';
import type { Random } from '../../../system/random.ts';
import { shellCommand } from '../../../system/shell-word.ts';
import { canReadAs } from '../access.ts';
import { type Finding, fail, ok, warn } from '../check.ts';

const CHECK = 'master key';

export interface MasterKeyFacts {
  readonly dataDir: string;
  readonly user: string | null;
  readonly random: Random;
  /** null: the database cannot be read, or is not of this version; then nobody knows what it was sealed with. */
  readonly store: LookedAtStore | null;
}

export async function lookAtMasterKey({ dataDir, user, random, store }: MasterKeyFacts): Promise<Finding[]> {
  const file = masterKeyFileOf(dataDir);
  const findings: Finding[] = [];
  const stat = statOf(file);
  if (stat instanceof Error) {
    const remedy = 'Run the doctor as root, or as the server’s user.';
    return [warn(CHECK, `${file} cannot be looked at: ${messageOf(stat)}`, remedy)];
  }
  if (stat !== null) {
    const mode = stat.mode & 0o777;
    const shown = mode.toString(8).padStart(3, '0');
    if ((mode & 0o077) !== 0) {
      const remedy = `\`${shellCommand('chmod', '600', file)}\`. Whoever has read it can open all access keys in the database: if that may be, make new keys and disable the old ones.`;
      findings.push(fail(CHECK, `${file} is open to others than its owner: mode ${shown}`, remedy));
    }
    if (canReadAs(file, user) === false) {
      const who = user ?? 'this user';
      const remedy =
        user === null ? `Run the doctor as root or as the server’s user; else ${give('USER', file)}` : give(user, file);
      findings.push(fail(CHECK, `${file} cannot be read by ${who}`, remedy));
      return findings;
    }
  }
  if (store === null) {
    return findings.length > 0 || stat === null
      ? findings
      : [ok(CHECK, `${file} is there; what it seals cannot be looked at`)];
  }
  return [...findings, ...(await compare(store, dataDir, random, stat !== null, findings.length === 0))];
}

function give(user: string, file: string): string {
  return `\`${shellCommand('chown', `${user}:`, file)} && ${shellCommand('chmod', '600', file)}\`.`;
}

async function compare(
  store: LookedAtStore,
  dataDir: string,
  random: Random,
  isThere: boolean,
  isSound: boolean,
): Promise<Finding[]> {
  try {
    const { keys, gitTokens } = await findLost({ store, dataDir, random });
    const findings: Finding[] = [];
    if (keys.length > 0) {
      const remedy =
        'Make new keys for those who use them (`slipway keys create`, `slipway register --force` on a host), and disable the old ones.';
      findings.push(fail(CHECK, `does not open ${keys.join(', ')}, which cannot be used`, remedy));
    }
    if (gitTokens.length > 0) {
      const remedy = 'Add each once more with `slipway server git-tokens add`, or remove it.';
      const names = gitTokens.join(', ');
      findings.push(fail(CHECK, `does not open the git token ${names}: deployments that need it fail`, remedy));
    }
    if (findings.length > 0) return findings;
    if (!isThere) return [ok(CHECK, 'is not there yet; the first start makes it')];
    return isSound ? [ok(CHECK, 'opens what the database holds')] : [];
  } catch (error) {
    if (isSlipwayError(error, 'SERVER_MASTER_KEY')) return [fail(CHECK, error.message, error.remedy)];
    return [
      fail(CHECK, `cannot be compared: ${messageOf(error)}`, 'Put right what the findings on the database name first.'),
    ];
  }
}

/** null: it is not there. */
function statOf(file: string): Stats | Error | null {
  try {
    return statSync(file);
  } catch (error) {
    if (/^(ENOENT|ENOTDIR)$/.test(systemErrorCode(error) ?? '')) return null;
    return error instanceof Error ? error : new Error(String(error));
  }
}
