import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Everything below a folder, as comparable text: path → kind, mode, and content or target. */
export function treeOf(root: string, options: { readonly times?: boolean } = {}): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (below: string) => {
    for (const name of readdirSync(join(root, below)).sort()) {
      const path = below === '' ? name : `${below}/${name}`;
      const stats = lstatSync(join(root, path));
      const mode = (stats.mode & 0o7777).toString(8);
      const time = options.times ? ` @${Math.floor(stats.mtimeMs)}` : '';
      if (stats.isDirectory()) {
        found[path] = `directory ${mode}${time}`;
        visit(path);
      } else if (stats.isSymbolicLink()) {
        found[path] = `-> ${readlinkSync(join(root, path))}`;
      } else {
        found[path] = `file ${mode}${time} ${digest(readFileSync(join(root, path)))}`;
      }
    }
  };
  visit('');
  return found;
}

/** Short content as it is, long content by its hash: a difference must be readable. */
function digest(content: Buffer): string {
  return content.length <= 40
    ? JSON.stringify(content.toString('latin1'))
    : createHash('sha256').update(content).digest('hex');
}
