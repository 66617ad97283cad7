import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The folder that holds the revision: the unpacked one itself, or the one folder that some archives wrap everything in, as GitHub's do.
 *
 * The rule is the official agents': the root holds exactly one entry, hidden ones counted; it is a folder; and directly in it is an
 * entry whose name contains `appspec`, in any case. One level only.
 */
export function withoutWrapper(root: string): string {
  const [only, ...others] = readdirSync(root, { withFileTypes: true });
  if (only === undefined || others.length > 0 || !only.isDirectory()) return root;
  const inner = join(root, only.name);
  return readdirSync(inner).some((name) => name.toLowerCase().includes('appspec')) ? inner : root;
}
