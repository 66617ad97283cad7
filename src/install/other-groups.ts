/**
 * Claims of the other deployment groups by their records, and what this Install takes away from them. Pure: it looks through views.
 *
 * A record says which files a group has brought. It never outranks the disk: a claim to a file that is gone, or that somebody has replaced
 * since, holds nothing up. Nor does it outrank the operator: with OVERWRITE a claimed file is taken over. It is struck from the other
 * record in the same transaction, so that no cleanup of that group removes this group's file.
 */
import { dirname, join } from 'node:path/posix';
import { isChangedSince } from './changed-since.ts';
import { childPath } from './child-path.ts';
import type { Manifest } from './manifest.ts';
import type { CleanupEntry, Struck, TakenOver, TreeView } from './types.ts';

/** Another deployment group of this host, as its records have it. */
export interface OtherGroup {
  readonly id: string;
  /** For people: `APPLICATION/GROUP (id)`, or the id alone where the host does not know the names. */
  readonly name: string;
  readonly entries: readonly CleanupEntry[];
  /** Its last Install was cut off and could not be put right yet: recovery may still put back its files and its records. */
  readonly isCutOff: boolean;
  /** Returns what its last Install brought, and when; read when it is needed. */
  lastInstall(): { readonly manifest: Manifest; readonly installedAtMs: number };
}

interface Claim {
  readonly group: OtherGroup;
  /** As the record writes it, which may lead through a link to the same place. */
  readonly path: string;
}

interface Views {
  readonly archive: TreeView;
  readonly host: TreeView;
}

export class OtherGroups {
  readonly #views: Views;
  readonly #groups: readonly OtherGroup[];
  /** Claims by path, without links in its folders. */
  readonly #claims = new Map<string, Claim[]>();
  readonly #realFolders = new Map<string, string>();
  readonly #takenOver: TakenOver[] = [];
  readonly #struck = new Map<OtherGroup, Set<string>>();

  constructor(groups: readonly OtherGroup[], views: Views) {
    this.#views = views;
    this.#groups = groups.filter(({ entries }) => entries.length > 0);
    for (const group of this.#groups) {
      for (const { kind, path } of group.entries) if (kind === 'path') this.#addClaim({ group, path });
    }
  }

  #addClaim(claim: Claim): void {
    const at = this.#realPath(claim.path);
    const others = this.#claims.get(at);
    if (others === undefined) this.#claims.set(at, [claim]);
    else others.push(claim);
  }

  #realPath(path: string): string {
    const folder = dirname(path);
    const known = this.#realFolders.get(folder);
    const real = known ?? this.#views.host.realpath(folder) ?? folder;
    if (known === undefined) this.#realFolders.set(folder, real);
    return real === folder ? path : join(real, path.slice(path.lastIndexOf('/') + 1));
  }

  #claimsTo(path: string): readonly Claim[] {
    return this.#claims.size === 0 ? [] : (this.#claims.get(this.#realPath(path)) ?? []);
  }

  /** The group whose record claims a path; null: none. Whether the claim still fits what is on the disk is another question. */
  claimantOf(path: string): OtherGroup | null {
    const claims = this.#claimsTo(path);
    return (claims.find(({ group }) => group.isCutOff) ?? claims[0])?.group ?? null;
  }

  /** Whether a file that a group's record claims was replaced by another hand since, as far as anybody can tell. */
  isReplaced(path: string): boolean {
    return this.#claimsTo(path).every((claim) => {
      const { manifest, installedAtMs } = claim.group.lastInstall();
      return isChangedSince(this.#views, path, manifest.get(claim.path), installedAtMs);
    });
  }

  /** Whether the group that claims a file gave it an ACL or a context, which a new owner would not want to inherit. */
  isSpecial(path: string): boolean {
    return this.#claimsTo(path).some((claim) => claim.group.lastInstall().manifest.get(claim.path)?.isSpecial === true);
  }

  /**
   * Whether all that is below a folder is what other groups have brought, and none of it was replaced since.
   *
   * @param isKept what must stay, no matter which group brought it
   */
  claimAllBelow(folder: string, host: TreeView, isKept: (path: string) => boolean): boolean {
    return host.readdir(folder).every((name) => {
      const path = childPath(folder, name);
      if (isKept(path)) return false;
      if (host.lstat(path)?.kind === 'directory') return this.claimAllBelow(path, host, isKept);
      const claimant = this.claimantOf(path);
      return claimant !== null && !claimant.isCutOff && !this.isReplaced(path);
    });
  }

  /** Makes what is there this group's. */
  takeOver(path: string): void {
    const [claim] = this.#claimsTo(path);
    if (claim === undefined) return;
    const { id: groupId, name: groupName } = claim.group;
    this.#takenOver.push({ path, groupId, groupName });
    this.strike(path);
  }

  /** The same for a folder and all below it. */
  takeOverTree(folder: string, host: TreeView): void {
    for (const name of host.readdir(folder)) {
      const path = childPath(folder, name);
      if (host.lstat(path)?.kind === 'directory') this.takeOverTree(path, host);
      else this.takeOver(path);
    }
    this.strike(folder);
  }

  /** Takes a path out of every record that claims it. */
  strike(path: string): void {
    for (const claim of this.#claimsTo(path)) {
      const struck = this.#struck.get(claim.group) ?? new Set();
      this.#struck.set(claim.group, struck.add(claim.path));
    }
  }

  get takenOver(): readonly TakenOver[] {
    return this.#takenOver;
  }

  struck(): Struck[] {
    return [...this.#struck].map(([{ id, entries }, paths]) => ({
      groupId: id,
      remaining: entries.filter(({ path }) => !paths.has(path)),
      contexts: entries.flatMap(({ kind, path }) => (kind === 'semanage' && paths.has(path) ? path : [])),
    }));
  }
}
