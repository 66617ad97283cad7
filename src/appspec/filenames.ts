/** Names that an AppSpec file may have. Pure. */

/**
 * Where an AppSpec file may be, in the order in which it is looked for: the requested name, then the two usual ones. One rule for
 * every command, so that a bundle with only `appspec.yaml` works everywhere.
 *
 * @param requested relative to the archive's root
 */
export function appSpecCandidates(requested: string): readonly string[] {
  return [...new Set([requested, 'appspec.yaml', 'appspec.yml'])];
}
