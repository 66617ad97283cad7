import { readdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Takes away the one folder that some archives wrap everything in, as GitHub's do.
 *
 * The rule is the official agents': the root holds exactly one entry, hidden ones counted; it is a folder; and directly in it is an
 * entry whose name contains `appspec`, in any case. One level only.
 */
export function stripWrapper(root: string): void {
  const [only, ...others] = readdirSync(root, { withFileTypes: true });
  if (only === undefined || others.length > 0 || !only.isDirectory()) return;
  const inner = join(root, only.name);
  if (!readdirSync(inner).some((name) => name.toLowerCase().includes('appspec'))) return;
  // The inner folder takes the outer one's place. Its name may be that of one of its own entries, so it moves out of the way first.
  const beside = `${root}.inner`;
  renameSync(inner, beside);
  rmdirSync(root);
  renameSync(beside, root);
}
