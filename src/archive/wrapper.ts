import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Files that file managers leave beside everything that they pack, and that belong to no revision. */
const LITTER = /^(\.DS_Store|\._.*|__MACOSX|Thumbs\.db|desktop\.ini)$/i;

/**
 * The folder that holds the revision: the unpacked one itself, or the one folder that some archives wrap everything in, as GitHub's do.
 *
 * The rule is the official agents'. The root holds exactly one entry, hidden ones counted, and that entry is a folder. Directly in it is an
 * entry whose name contains `appspec`, in any case. One level only. Beside them, the litter of file managers does not count.
 */
export function withoutWrapper(root: string): string {
  const [only, ...others] = readdirSync(root, { withFileTypes: true }).filter(({ name }) => !LITTER.test(name));
  if (only === undefined || others.length > 0 || !only.isDirectory()) return root;
  const inner = join(root, only.name);
  return readdirSync(inner).some((name) => name.toLowerCase().includes('appspec')) ? inner : root;
}
