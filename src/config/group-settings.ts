/** Settings that may differ from one deployment group to the next. */
import { type KeyType, type KeyValue, type ReadResult, readValue } from './keys.ts';

/**
 * Whether bundles must be signed. `off`: nobody looks. `warn`: what is wrong goes into the log, and the deployment goes on. `enforce`:
 * DownloadBundle fails, and nothing is unpacked.
 */
export type SignaturePolicy = 'off' | 'warn' | 'enforce';

export interface SignatureRules {
  readonly policy: SignaturePolicy;
  /** Absolute path; null: none is named, which the configuration allows only where the policy is `off`. */
  readonly signersFile: string | null;
}

/** What is said about one group; null: the same as for all. */
export interface GroupSettings {
  /** A deployment group id, or `APPLICATION/GROUP`. */
  readonly group: string;
  readonly policy: SignaturePolicy | null;
  readonly signersFile: string | null;
}

/** Who a deployment is for. */
export interface GroupNames {
  readonly deploymentGroupId: string;
  readonly deploymentGroupName: string;
  readonly applicationName: string;
}

export const SIGNATURE_POLICIES: readonly SignaturePolicy[] = ['off', 'warn', 'enforce'];

const TYPES = { bundle_signature_policy: SIGNATURE_POLICIES, bundle_signers_file: 'path' } as const satisfies Readonly<
  Record<string, KeyType>
>;

/** @param value as YAML has it: group → key → value */
export function readGroups(value: unknown): ReadResult {
  const expected = `a map from a deployment group’s id, or APPLICATION/GROUP, to ${Object.keys(TYPES).join(' and ')}`;
  if (!isMap(value)) return { ok: false, expected };
  const groups: GroupSettings[] = [];
  for (const [group, settings] of Object.entries(value)) {
    if (!isMap(settings)) return { ok: false, expected };
    const read: Record<string, KeyValue> = {};
    for (const [name, given] of Object.entries(settings)) {
      // As at the top of the file, the official agents' spelling counts as well.
      const key = name.replace(/^:/, '');
      if (!Object.hasOwn(TYPES, key)) return { ok: false, expected };
      const result = readValue(TYPES[key as keyof typeof TYPES], given);
      if (!result.ok) return { ok: false, expected: `such that ${key} of ${group} is ${result.expected}` };
      read[key] = result.value;
    }
    groups.push({
      group,
      policy: (read['bundle_signature_policy'] ?? null) as SignaturePolicy | null,
      signersFile: (read['bundle_signers_file'] ?? null) as string | null,
    });
  }
  return { ok: true, value: groups };
}

/** The rules for all, with what is said about one group in their place. */
export function withGroupSettings(
  general: SignatureRules,
  own: Omit<GroupSettings, 'group'> | undefined,
): SignatureRules {
  return { policy: own?.policy ?? general.policy, signersFile: own?.signersFile ?? general.signersFile };
}

/** What counts for a group: what is said of its id, else of its names, else of all. */
export function signatureRulesFor(
  general: SignatureRules,
  groups: readonly GroupSettings[],
  { deploymentGroupId, deploymentGroupName, applicationName }: GroupNames,
): SignatureRules {
  const own =
    groups.find(({ group }) => group === deploymentGroupId) ??
    groups.find(({ group }) => group === `${applicationName}/${deploymentGroupName}`);
  return withGroupSettings(general, own);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
