/**
 * Globs of absolute paths, as in the agent's `protect_paths`. Pure.
 *
 * `*` and `?` stop at a slash, `**` does not; anything else is literal. A pattern that matches a folder holds for everything below it.
 */
import { type WildcardPart, wildcardMatcher } from '../system/wildcards.ts';

/** @returns whether one of the globs holds for a path, or for a folder that the path lies in */
export function pathMatcher(globs: readonly string[]): (path: string) => boolean {
  const matchers = globs.map((glob) => wildcardMatcher(toParts(glob), (next) => next === '' || next === '/'));
  return (path) => matchers.some((matches) => matches(path));
}

function toParts(glob: string): WildcardPart[] {
  return withoutTrailingSlash(glob)
    .split(/(\/\*\*\/|\*\*|\*|\?)/)
    .flatMap((piece): WildcardPart[] => {
      switch (piece) {
        case '/**/':
          return [
            { kind: 'text', text: '/' },
            { kind: 'many-up-to', end: '/' },
          ];
        case '**':
          return [{ kind: 'many', except: '' }];
        case '*':
          return [{ kind: 'many', except: '/' }];
        case '?':
          return [{ kind: 'one', except: '/' }];
        default:
          return [{ kind: 'text', text: piece }];
      }
    });
}

function withoutTrailingSlash(glob: string): string {
  return glob.length > 1 && glob.endsWith('/') ? glob.slice(0, -1) : glob;
}
