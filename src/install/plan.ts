/**
 * What Install will do, or every reason why it cannot. Pure: it looks at the archive and at the host through views and changes neither,
 * so the same function serves a dry run.
 *
 * The plan is made as if the files of the previous Install were gone already, which they are not: nothing is removed before the whole
 * new plan is known to be sound.
 */
import { basename, dirname, join, normalize } from 'node:path/posix';
import type { AppSpec, FileMapping, Permission } from '../appspec/types.ts';
import type { FileExistsBehavior } from '../protocol/specification.ts';
import { hostAfterCleanup } from './after-cleanup.ts';
import { matchPermissions, type PermissionMatch } from './permissions-match.ts';
import type {
  CleanupEntry,
  IdLookup,
  InstallRules,
  PlannedFile,
  PlannedPermission,
  PlanProblem,
  PlanResult,
  TreeView,
} from './types.ts';

export interface PlanInput {
  readonly appSpec: AppSpec;
  /** Absolute, without links on the way. */
  readonly archiveDir: string;
  readonly archive: TreeView;
  readonly host: TreeView;
  readonly previous: readonly CleanupEntry[];
  /** The deployment's setting; the AppSpec file's goes before it. */
  readonly fileExistsBehavior: FileExistsBehavior;
  readonly rules: InstallRules;
  readonly ids: IdLookup;
  /** The user that the agent runs as: links that it or root made are the operator's own. */
  readonly agentUid: number;
}

/** SELinux types that take the confinement away. */
const UNCONFINED = new Set(['unconfined_t', 'kernel_t', 'init_t']);
/** setuid, setgid: bits that give rights away. */
const UNSAFE_BITS = 0o6000;

export function planInstall(input: PlanInput): PlanResult {
  const planner = new Planner(input);
  for (const mapping of input.appSpec.files) planner.addMapping(mapping);
  return planner.result();
}

class Planner {
  readonly #input: PlanInput;
  readonly #host: TreeView;
  readonly #behavior: FileExistsBehavior;
  readonly #problems: PlanProblem[] = [];
  readonly #files = new Map<string, PlannedFile>();
  readonly #folders = new Map<string, 'made' | 'existing'>();
  readonly #kept = new Set<string>();
  /** The entry of the AppSpec file that is being planned. */
  #origin: FileMapping | Permission | null = null;

  constructor(input: PlanInput) {
    this.#input = input;
    this.#host = hostAfterCleanup(input.host, input.previous);
    this.#behavior = input.appSpec.fileExistsBehavior ?? input.fileExistsBehavior;
  }

  addMapping(mapping: FileMapping): void {
    const { source, destination: destinationText } = mapping;
    this.#origin = mapping;
    const destination = withoutTrailingSlash(normalize(destinationText));
    if (destinationText.split('/').includes('..')) {
      this.#problem('destination-climbs', destinationText, `the destination ${destinationText} climbs with '..'`);
      return;
    }
    const { archive, archiveDir } = this.#input;
    const path = withoutTrailingSlash(join(archiveDir, source));
    const real = archive.realpath(path);
    if (real === null) {
      if (archive.lstat(path)?.kind === 'symlink') this.#addFile(path, 'symlink', join(destination, basename(path)));
      else this.#problem('source-missing', path, `the source ${source} is not in the revision`);
      return;
    }
    if (!isBelow(real, archiveDir)) {
      this.#problem('source-escapes', path, `the source ${source} leads out of the revision, to ${real}`);
      return;
    }
    const facts = archive.lstat(real);
    if (facts?.kind === 'directory') this.#addTree(real, destination, [real]);
    else if (facts?.kind === 'file') {
      const kind = archive.lstat(path)?.kind === 'symlink' ? 'symlink' : 'file';
      if (this.#addFolder(destination)) this.#addFile(path, kind, join(destination, basename(path)));
    } else this.#problem('source-unusable', path, `the source ${source} is no file or folder`);
  }

  /** @param trail real paths of the folders that this one lies in, to notice a link that leads back into one of them */
  #addTree(source: string, destination: string, trail: readonly string[]): void {
    if (!this.#addFolder(destination)) return;
    const { archive, archiveDir } = this.#input;
    for (const name of [...archive.readdir(source)].sort()) {
      const from = join(source, name);
      const to = join(destination, name);
      const facts = archive.lstat(from);
      switch (facts?.kind) {
        case 'directory':
          this.#addTree(from, to, [...trail, from]);
          break;
        case 'file':
          this.#addFile(from, 'file', to);
          break;
        case 'symlink': {
          // A link to a folder of the revision becomes that folder; one to a file, or to nothing, stays a link.
          const real = archive.realpath(from);
          if (real === null || archive.lstat(real)?.kind !== 'directory') this.#addFile(from, 'symlink', to);
          else if (!isBelow(real, archiveDir)) {
            this.#problem('source-escapes', from, `the link ${from} leads out of the revision, to ${real}`);
          } else if (trail.includes(real)) {
            this.#problem('source-loop', from, `the link ${from} leads back to ${real}, which it lies in`);
          } else this.#addTree(real, to, [...trail, real]);
          break;
        }
        default:
          this.#problem('source-unusable', from, `${from} is no file, folder or link`);
      }
    }
  }

  /** @returns whether the folder can be; if not, the problem is noted */
  #addFolder(path: string): boolean {
    if (this.#folders.has(path)) return true;
    const planned = this.#files.get(path);
    if (planned !== undefined) {
      this.#problem(
        'duplicate-destination',
        path,
        `${path} would be a folder, and also a file, from ${planned.source}`,
      );
      return false;
    }
    const parent = dirname(path);
    if (parent !== path && !this.#addFolder(parent)) return false;
    const facts = this.#host.lstat(path);
    if (facts === null) {
      this.#folders.set(path, 'made');
      return true;
    }
    if (facts.kind === 'directory' || this.#isTrustedLinkToFolder(path, facts.uid, facts.kind)) {
      this.#folders.set(path, 'existing');
      return true;
    }
    if (facts.kind !== 'symlink') this.#problem('in-the-way', path, `${path} must be a folder, but a file is there`);
    return false;
  }

  /** A host may have links on the way to a destination, but only such as root or the agent's own user has made. */
  #isTrustedLinkToFolder(path: string, uid: number, kind: string): boolean {
    if (kind !== 'symlink') return false;
    const real = this.#host.realpath(path);
    if (real === null || this.#host.lstat(real)?.kind !== 'directory') {
      this.#problem('in-the-way', path, `${path} must be a folder, but is a link that leads to none`);
      return false;
    }
    if (uid === 0 || uid === this.#input.agentUid) return true;
    this.#problem('untrusted-link', path, `${path} is a link that user ${uid} has made; nothing is written through it`);
    return false;
  }

  #addFile(source: string, kind: 'file' | 'symlink', path: string): void {
    const before = this.#files.get(path);
    if (before !== undefined) {
      this.#problem('duplicate-destination', path, `${path} would come from ${before.source} and from ${source}`);
      return;
    }
    if (this.#folders.get(path) === 'made') {
      this.#problem('duplicate-destination', path, `${path} would be a file, from ${source}, and also a folder`);
      return;
    }
    if (!this.#addFolder(dirname(path))) return;
    const facts = this.#host.lstat(path);
    if (facts?.kind === 'directory') {
      this.#problem('in-the-way', path, `${path} must be a file, but a folder is there`);
      return;
    }
    // A link to nothing counts as nothing, for the official agents as well.
    const exists = facts !== null && !(facts.kind === 'symlink' && this.#host.realpath(path) === null);
    if (exists && this.#staysAsItIs(source, kind, path, facts.kind)) {
      this.#kept.add(path);
      return;
    }
    this.#files.set(path, { path, source, kind });
  }

  /** What is to happen with a file that is there and not ours; a conflict is noted as a problem. */
  #staysAsItIs(source: string, kind: 'file' | 'symlink', path: string, found: string): boolean {
    switch (this.#behavior) {
      case 'RETAIN':
        return true;
      case 'OVERWRITE':
        return false;
      case 'DISALLOW': {
        const same =
          kind === 'file' && found === 'file'
            ? this.#host.sameContent(source, path)
            : kind === 'symlink' &&
              found === 'symlink' &&
              this.#host.readlink(path) === this.#input.archive.readlink(source);
        if (!same)
          this.#problem('file-exists', path, `${path} exists already, and not from a deployment of this group`);
        return true;
      }
    }
  }

  result(): PlanResult {
    const made = [...this.#folders].filter(([, state]) => state === 'made').map(([path]) => path);
    const files = [...this.#files.values()];
    const permissions = this.#planPermissions(made, files);
    if (this.#problems.length > 0) return { ok: false, problems: this.#problems };
    const paths = this.#input.previous.flatMap((entry) => (entry.kind === 'path' ? entry.path : []));
    const oldest = paths.filter((path) => this.#input.host.lstat(path) !== null).reverse();
    const isOldFolder = (path: string) => this.#input.host.lstat(path)?.kind === 'directory';
    const isNeeded = (path: string) => this.#files.has(path) || this.#folders.has(path) || this.#kept.has(path);
    return {
      ok: true,
      plan: {
        folders: made,
        files,
        kept: [...this.#kept],
        removals: oldest.filter((path) => !isOldFolder(path) && !isNeeded(path)),
        folderRemovals: oldest.filter((path) => isOldFolder(path) && !isNeeded(path)),
        staleContexts: this.#input.previous.flatMap((entry) => (entry.kind === 'semanage' ? entry.path : [])),
        permissions,
      },
    };
  }

  #planPermissions(folders: readonly string[], files: readonly PlannedFile[]): PlannedPermission[] {
    const { matches, problems } = matchPermissions(this.#input.appSpec.permissions, {
      files: files.map(({ path }) => path),
      folders,
      isFolder: (path) => this.#folders.has(path) || this.#host.lstat(path)?.kind === 'directory',
    });
    this.#problems.push(...problems);
    return matches.map((match) => this.#planPermission(match));
  }

  #planPermission({ path, kind, permission }: PermissionMatch): PlannedPermission {
    const { ids, rules } = this.#input;
    this.#origin = permission;
    const uid = permission.owner === null ? null : ids.userId(permission.owner);
    const gid = permission.group === null ? null : ids.groupId(permission.group);
    if (permission.owner !== null && uid === null) {
      this.#problem(
        'unknown-user',
        path,
        `${path} would belong to the user '${permission.owner}', who does not exist here`,
      );
    }
    if (permission.group !== null && gid === null) {
      this.#problem(
        'unknown-group',
        path,
        `${path} would belong to the group '${permission.group}', which does not exist here`,
      );
    }
    for (const { type, name } of namedAclEntries(permission.acls ?? [])) {
      if (type === 'user' && ids.userId(name) === null) {
        this.#problem('unknown-user', path, `the ACL of ${path} names the user '${name}', who does not exist here`);
      } else if (type === 'group' && ids.groupId(name) === null) {
        this.#problem('unknown-group', path, `the ACL of ${path} names the group '${name}', which does not exist here`);
      }
    }
    const mode = permission.mode === null ? null : Number.parseInt(permission.mode, 8);
    if (mode !== null && (mode & UNSAFE_BITS) !== 0 && rules.rejectUnsafePermissions) {
      this.#problem('permission-unsafe', path, `${path} would get the mode ${permission.mode}, with setuid or setgid`);
    }
    if (permission.context !== null && UNCONFINED.has(permission.context.type) && rules.rejectUnconfinedSelinux) {
      this.#problem('context-unconfined', path, `${path} would get the SELinux type ${permission.context.type}`);
    }
    const { owner, group, acls, context } = permission;
    return { path, kind, uid, gid, owner, group, mode, acls, context };
  }

  #problem(rule: PlanProblem['rule'], path: string, message: string): void {
    this.#problems.push({ rule, path, message, origin: this.#origin });
  }
}

/** The users and groups that canonical ACL entries name; a number needs nobody to have it. */
function namedAclEntries(entries: readonly string[]): { readonly type: string; readonly name: string }[] {
  return entries.flatMap((entry) => {
    const [type = '', name = ''] = entry.replace(/^default:/, '').split(':');
    return name === '' || /^\d+$/.test(name) ? [] : [{ type, name }];
  });
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
