/**
 * Globs of absolute paths, as in the agent's `protect_paths`. Pure.
 *
 * `*` and `?` stop at a slash, `**` does not; anything else is literal. What matches a folder holds for everything below it.
 */

/** @returns whether one of the globs holds for a path, or for a folder that the path lies in */
export function pathMatcher(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const expression = new RegExp(`^(?:${globs.map(toExpression).join('|')})(?:/|$)`, 's');
  return (path) => expression.test(path);
}

function toExpression(glob: string): string {
  const pieces = withoutTrailingSlash(glob).split(/(\/\*\*\/|\*\*|\*|\?)/);
  return pieces
    .map((piece) => {
      if (piece === '/**/') return '/(?:.*/)?';
      if (piece === '**') return '.*';
      if (piece === '*') return '[^/]*';
      if (piece === '?') return '[^/]';
      return piece.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
}

function withoutTrailingSlash(glob: string): string {
  return glob.length > 1 && glob.endsWith('/') ? glob.slice(0, -1) : glob;
}
