/**
 * Which objects a permission entry of the AppSpec file applies to. Pure.
 *
 * Only what this very Install brings is ever touched. An object that is a file must be named itself; an object that is a folder stands
 * for what lies below it, never for itself.
 *
 * @see the official agent 1.8.1, `linux_permission_info.rb`; the user guide's example 6 claims otherwise
 */
import { normalize } from 'node:path/posix';
import type { Permission } from '../appspec/types.ts';
import { wildcardMatcher } from '../system/wildcards.ts';
import type { PlanProblem } from './types.ts';

export interface MatchCandidates {
  readonly files: readonly string[];
  readonly folders: readonly string[];
  /** Whether a folder stands at the path, planned or not. */
  isFolder(path: string): boolean;
}

export interface PermissionMatch {
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly permission: Permission;
}

export interface MatchResult {
  readonly matches: readonly PermissionMatch[];
  readonly problems: readonly PlanProblem[];
}

export function matchPermissions(permissions: readonly Permission[], candidates: MatchCandidates): MatchResult {
  const files = new Set(candidates.files);
  const problems: PlanProblem[] = [];
  const matches = new Map<string, PermissionMatch>();

  const add = (match: PermissionMatch) => {
    const before = matches.get(match.path);
    if (before !== undefined) {
      const message = `the permissions of ${match.path} are set twice, for ${before.permission.object} and for ${match.permission.object}`;
      problems.push({ rule: 'permission-duplicate', path: match.path, message, origin: match.permission });
    } else if (match.kind === 'file' && match.permission.acls?.some((entry) => entry.startsWith('default:'))) {
      const message = `the file ${match.path} would get a default ACL entry, which only folders can have; write 'type: [directory]'`;
      problems.push({ rule: 'permission-acl', path: match.path, message, origin: match.permission });
    } else {
      matches.set(match.path, match);
    }
  };

  for (const permission of permissions) {
    const object = withoutTrailingSlash(normalize(permission.object));
    if (files.has(object)) {
      if (!permission.types.includes('file')) continue;
      if (permission.pattern !== '**' || permission.except.length > 0) {
        const message = `the permission for the file ${object} has a pattern or exceptions, which make sense for folders only`;
        problems.push({ rule: 'permission-pattern', path: object, message, origin: permission });
        continue;
      }
      add({ path: object, kind: 'file', permission });
    } else if (candidates.isFolder(object)) {
      const applies = applier(permission, object);
      if (permission.types.includes('file')) {
        for (const path of candidates.files) if (applies(path)) add({ path, kind: 'file', permission });
      }
      if (permission.types.includes('directory')) {
        for (const path of candidates.folders) if (applies(path)) add({ path, kind: 'directory', permission });
      }
    }
  }
  return { matches: [...matches.values()], problems };
}

/** A test for one entry, made once: it is asked for each file of the revision. */
function applier({ pattern, except }: Permission, object: string): (path: string) => boolean {
  const base = object === '/' ? '/' : `${object}/`;
  const isIncluded = patternMatcher(pattern);
  const exceptions = except.map(patternMatcher);
  return (path) => {
    if (!path.startsWith(base)) return false;
    const name = path.slice(base.length);
    return isIncluded(name) && !exceptions.some((isExcepted) => isExcepted(name));
  };
}

/** `**` is everything below, at any depth; anything else is compared with direct children only, and `*` is any run of characters. */
function patternMatcher(pattern: string): (name: string) => boolean {
  if (pattern === '**') return () => true;
  const matches = wildcardMatcher(
    pattern
      .split(/(\*+)/)
      .map((piece) => (piece.startsWith('*') ? { kind: 'many', except: '/' } : { kind: 'text', text: piece })),
  );
  return (name) => matches(name);
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
