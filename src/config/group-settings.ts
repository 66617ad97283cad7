/** Settings that may differ from one deployment group to the next. Pure. */

/**
 * Whether bundles must be signed. `off`: nobody looks. `warn`: what is wrong goes into the log, and the deployment goes on. `enforce`:
 * DownloadBundle fails, and nothing is unpacked.
 */
export type SignaturePolicy = (typeof SIGNATURE_POLICIES)[number];

export interface SignatureRules {
  readonly policy: SignaturePolicy;
  /** Absolute path; null: none is named, which the configuration allows only where the policy is `off`. */
  readonly signersFile: string | null;
}

/** Settings of one group; null: the same as for all groups. */
export interface GroupSettings {
  /** A deployment group id, or `APPLICATION/GROUP`. */
  readonly group: string;
  readonly policy: SignaturePolicy | null;
  readonly signersFile: string | null;
}

/** Deployment group of a deployment, by its id and by its names. */
export interface GroupNames {
  readonly deploymentGroupId: string;
  readonly deploymentGroupName: string;
  readonly applicationName: string;
}

export const SIGNATURE_POLICIES = ['off', 'warn', 'enforce'] as const;

/** The rules for all, with what is said about one group in their place. */
export function withGroupSettings(
  general: SignatureRules,
  own: Omit<GroupSettings, 'group'> | undefined,
): SignatureRules {
  return { policy: own?.policy ?? general.policy, signersFile: own?.signersFile ?? general.signersFile };
}

/** Returns the rules for a group: those of its id, else those of its names, else the general ones. */
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
