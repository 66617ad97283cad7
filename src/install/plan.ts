/**
 * Plans what Install will do, or gives every reason why it cannot. Pure: it looks at the archive and at the host through views and changes
 * neither, so the same function serves a dry run.
 *
 * The plan is made as if the files of the previous Install were gone already. They are not: nothing is removed before the whole new plan is
 * known to be sound.
 */
import { basename, dirname, join, normalize } from 'node:path/posix';
import { nearPath } from '../appspec/suggest.ts';
import type { AppSpec, FileMapping } from '../appspec/types.ts';
import type { FileExistsBehavior } from '../protocol/specification.ts';
import { hostAfterCleanup, withoutOwnLinks } from './after-cleanup.ts';
import type { AttributeProgram } from './attribute-programs.ts';
import type { Comparison } from './batches.ts';
import { isChangedSince, isSameTime } from './changed-since.ts';
import { childPath } from './child-path.ts';
import type { Comparisons } from './comparisons.ts';
import type { Manifest, ManifestEntry } from './manifest.ts';
import { type OtherGroup, OtherGroups } from './other-groups.ts';
import { pathMatcher } from './path-globs.ts';
import { describeOwnPlace, planPermissions } from './plan-permissions.ts';
import { type RoomInput, roomProblems } from './room.ts';
import { isTrustedLink } from './trusted-links.ts';
import type {
  CleanupEntry,
  IdLookup,
  InstallPlan,
  InstallRules,
  KeepReason,
  ObjectFacts,
  OwnPlace,
  OwnPlaceLookup,
  PlannedFile,
  PlannedPermission,
  PlanProblem,
  PlanResult,
  TreeView,
  UnchangedFile,
} from './types.ts';

export interface PlanInput {
  readonly appSpec: AppSpec;
  /** Absolute, without links on the way. */
  readonly archiveDir: string;
  readonly archive: TreeView;
  readonly host: TreeView;
  readonly previous: readonly CleanupEntry[];
  /** Files that the previous Install brought, as they were then. */
  readonly manifest?: Manifest;
  /** When the previous Install was complete; without it, what keeps its size and time counts as unchanged. */
  readonly installedAtMs?: number;
  /** The other deployment groups of this host and what their records claim. */
  readonly otherGroups?: readonly OtherGroup[];
  /** Globs of paths that are neither overwritten nor removed. */
  readonly protectPaths?: readonly string[];
  /** Finds what is the agent's own, where nothing is installed; without it, nothing is. */
  readonly ownPlaces?: OwnPlaceLookup;
  /** The deployment's setting; the AppSpec file's goes before it. */
  readonly fileExistsBehavior: FileExistsBehavior;
  readonly rules: InstallRules;
  readonly ids: IdLookup;
  /** Which of the programs that set ACLs and contexts the host has; without it, all. */
  hasProgram?(program: AttributeProgram): boolean;
  /** Without it nobody asks whether there is room. */
  readonly room?: RoomInput;
  /** The user that the agent runs as: links that it or root made are the operator's own. */
  readonly agentUid: number;
}

/** Limits on the length of a path (without the final NUL) and of one name in it, in bytes. */
const MOST_PATH_BYTES = 4095;
const MOST_NAME_BYTES = 255;

/** Plans, and compares contents on the way. */
export function planInstall(input: PlanInput): PlanResult {
  const same = new Set<string>();
  const add = ({ source, path }: Comparison) => {
    if (input.host.sameContent(source, path)) same.add(path);
  };
  return plannerOf(input, add).result(same);
}

/** Plans while contents are compared beside. @throws SlipwayError INSTALL_… for a file that cannot be read */
export async function planBeside(input: PlanInput, comparisons: Comparisons): Promise<PlanResult> {
  const planner = plannerOf(input, comparisons.add);
  return planner.result(await comparisons.same());
}

function plannerOf(input: PlanInput, compare: Comparisons['add']): Planner {
  const planner = new Planner(input, compare);
  for (const mapping of input.appSpec.files) planner.addMapping(mapping);
  return planner;
}

class Planner {
  readonly #input: PlanInput;
  readonly #host: TreeView;
  readonly #behavior: FileExistsBehavior;
  readonly #problems: PlanProblem[] = [];
  readonly #files = new Map<string, PlannedFile>();
  readonly #folders = new Map<string, 'made' | 'existing'>();
  /** Is asked about files whose content may be on the host already; the answers come at the end. */
  readonly #compare: Comparisons['add'];
  /** Links that are on the host as the revision has them. */
  readonly #sameLinks = new Set<string>();
  readonly #kept = new Map<string, KeepReason>();
  readonly #tooLong = new Set<string>();
  readonly #refusedAsOwn = new Set<string>();
  /** Path → what would come there, whether it is brought, kept or refused. */
  readonly #sources = new Map<string, string>();
  readonly #ours: ReadonlySet<string>;
  readonly #isProtected: (path: string) => boolean;
  readonly #others: OtherGroups;
  /** Paths as other groups' records write them. */
  readonly #claimed: ReadonlySet<string>;
  /** The entry of the AppSpec file's `files` that is being planned. */
  #origin: FileMapping | null = null;

  constructor(input: PlanInput, compare: Comparisons['add']) {
    this.#compare = compare;
    const { otherGroups = [] } = input;
    this.#claimed = new Set(otherGroups.flatMap(({ entries }) => entries.map(({ path }) => path)));
    const isClaimed = this.#claimed.size === 0 ? null : (path: string) => this.#claimed.has(path);
    const host = withoutOwnLinks(input.host, input.previous, isClaimed);
    this.#input = { ...input, host };
    const isProtected = pathMatcher(input.protectPaths ?? []);
    // An earlier version may have installed there: what the agent lives by is not taken away now.
    const isOwn = (path: string) => {
      const { ownPlaces } = input;
      if (ownPlaces === undefined) return false;
      const facts = input.host.lstat(path);
      return (facts?.kind === 'directory' ? ownPlaces.ofFolder(path) : ownPlaces.ofFile(path, facts)) !== null;
    };
    this.#isProtected = (path) => isProtected(path) || isOwn(path);
    const previous = input.previous.filter(({ path }) => !this.#isProtected(path));
    this.#host = hostAfterCleanup(this.#input.host, previous);
    this.#ours = new Set(input.previous.flatMap(({ kind, path }) => (kind === 'path' ? path : [])));
    this.#behavior = input.appSpec.fileExistsBehavior ?? input.fileExistsBehavior;
    this.#others = new OtherGroups(otherGroups, this.#input);
  }

  addMapping(mapping: FileMapping): void {
    const { source, destination: destinationText } = mapping;
    this.#origin = mapping;
    const destination = withoutTrailingSlash(normalize(destinationText));
    if (destinationText.split('/').includes('..')) {
      this.#problem('destination-climbs', destinationText, `the destination ${destinationText} climbs with '..'`);
      return;
    }
    if (!destination.startsWith('/')) {
      this.#problem('destination-relative', destinationText, `the destination ${destinationText} is no absolute path`);
      return;
    }
    const path = withoutTrailingSlash(join(this.#input.archiveDir, source));
    const why = this.#whyNotReadable(path);
    if (why !== null) {
      this.#problem('source-escapes', path, `the source ${source} ${why}`);
      return;
    }
    const facts = this.#input.archive.lstat(path);
    if (facts === null) this.#problem('source-missing', path, this.#describeMissing(source, path));
    else if (facts.kind === 'directory') this.#addTree(path, destination);
    else if (facts.kind === 'other') {
      this.#problem('source-unusable', path, `the source ${source} is no file, folder or link`);
    } else if (this.#addFolder(destination)) this.#addFile(path, facts.kind, join(destination, basename(path)));
  }

  /** Nothing is read through a link, wherever it leads: it is content itself. */
  #whyNotReadable(path: string): string | null {
    const { archive, archiveDir } = this.#input;
    if (!isBelow(path, archiveDir)) return 'climbs out of the revision';
    for (let at = dirname(path); isBelow(at, archiveDir) && at !== archiveDir; at = dirname(at)) {
      if (archive.lstat(at)?.kind !== 'symlink') continue;
      const link = at.slice(archiveDir.length + 1);
      return `goes through the link ${link}, and nothing is read through a link: name the folder that it leads to, ${archive.readlink(at)}`;
    }
    return null;
  }

  #describeMissing(source: string, path: string): string {
    const { archive, archiveDir } = this.#input;
    const near = nearPath(path.slice(archiveDir.length + 1), (folder) => {
      const at = folder === '' ? archiveDir : join(archiveDir, folder);
      return archive.lstat(at)?.kind === 'directory' ? archive.readdir(at) : [];
    });
    if (/[*?]/.test(source)) {
      return `the source ${source} is not in the revision: no wildcards are read; name a folder, whose contents are copied`;
    }
    return `the source ${source} is not in the revision${near === null ? '' : `; did you mean '${near}'?`}`;
  }

  #addTree(source: string, destination: string): void {
    if (!this.#addFolder(destination)) return;
    const { archive } = this.#input;
    for (const name of [...archive.readdir(source)].sort()) {
      const from = childPath(source, name);
      const to = childPath(destination, name);
      const facts = archive.lstat(from);
      // A link stays a link, one to a folder as well: the official agents make a folder of that.
      if (facts?.kind === 'directory') this.#addTree(from, to);
      else if (facts?.kind === 'file' || facts?.kind === 'symlink') this.#addFile(from, facts.kind, to);
      else this.#problem('source-unusable', from, `${from} is no file, folder or link`);
    }
  }

  /** Notes the problem once for each path. */
  #isOwnPlace(path: string, place: OwnPlace | null | undefined): boolean {
    if (place == null) return false;
    if (!this.#refusedAsOwn.has(path)) this.#problem('own-place', path, `${path} ${describeOwnPlace(path, place)}`);
    this.#refusedAsOwn.add(path);
    return true;
  }

  /** @returns whether the folder can be; if not, the problem is noted */
  #addFolder(path: string): boolean {
    if (this.#folders.has(path)) return true;
    if (this.#isTooLong(path)) return false;
    const source = this.#sources.get(path);
    if (source !== undefined) {
      const message = `${path} would be a folder, and also a file, from ${source}${this.#hintAboutFileName(path)}`;
      this.#problem('duplicate-destination', path, message);
      return false;
    }
    if (this.#isOwnPlace(path, this.#input.ownPlaces?.ofFolder(path))) return false;
    const parent = dirname(path);
    if (parent !== path && !this.#addFolder(parent)) return false;
    const facts = this.#host.lstat(path);
    if (facts === null || this.#takesOverInFoldersPlace(path, facts)) {
      this.#folders.set(path, 'made');
      this.#others.strike(path);
      return true;
    }
    if (facts.kind === 'directory' || this.#isTrustedLinkToFolder(path, facts)) {
      this.#folders.set(path, 'existing');
      return true;
    }
    if (facts.kind !== 'symlink') this.#refuseFileForFolder(path);
    return false;
  }

  /** A file that another group has brought goes with OVERWRITE, and a link of its that leads to no folder. */
  #takesOverInFoldersPlace(path: string, facts: ObjectFacts): boolean {
    if (facts.kind === 'directory' || this.#behavior !== 'OVERWRITE' || this.#isProtected(path)) return false;
    const claimant = this.#others.claimantOf(path);
    if (claimant === null || claimant.isCutOff) return false;
    // What lies below the link is looked at through it, unless the record has it under this very path.
    if (facts.kind === 'symlink' && (!this.#claimed.has(path) || this.#leadsToFolder(path))) return false;
    this.#others.takeOver(path);
    return true;
  }

  #leadsToFolder(path: string): boolean {
    const real = this.#host.realpath(path);
    return real !== null && this.#host.lstat(real)?.kind === 'directory';
  }

  #refuseFileForFolder(path: string): void {
    const claimant = this.#others.claimantOf(path);
    const hint = this.#hintAboutFileName(path);
    const what = `${path} must be a folder, but a file is there`;
    if (claimant === null) this.#problem('file-for-folder', path, `${what}${hint}`);
    else this.#refuseClaimed(path, claimant, `${what} that belongs to`);
  }

  #refuseClaimed(path: string, claimant: OtherGroup, what: string): void {
    const whose = `${what} the deployment group ${claimant.name}`;
    if (claimant.isCutOff) {
      const why = 'whose last Install was cut off and cannot be put right yet';
      this.#problem('other-group-cut-off', path, `${whose}, ${why}`);
    } else this.#problem('other-group', path, whose);
  }

  /** A destination that is written as the file's own new name collides with that very file. */
  #hintAboutFileName(path: string): string {
    const { appSpec, archive, archiveDir } = this.#input;
    const isMeant = ({ source, destination }: FileMapping) =>
      withoutTrailingSlash(normalize(destination)) === path && archive.lstat(join(archiveDir, source))?.kind === 'file';
    const source = appSpec.files.find(isMeant)?.source;
    return source === undefined
      ? ''
      : `: a destination is the folder that ${source} goes into, so write ${dirname(path)}`;
  }

  /** A host may have links on the way to a destination, but only such as the operator has made and nobody else can exchange. */
  #isTrustedLinkToFolder(path: string, link: ObjectFacts): boolean {
    if (link.kind !== 'symlink') return false;
    const { host, agentUid } = this.#input;
    const broughtBy = this.#whoBroughtLink(path);
    if (broughtBy !== null) {
      const why = `is a link that ${broughtBy} has brought, which is content; nothing is written through it`;
      this.#problem('untrusted-link', path, `${path} ${why}`);
      return false;
    }
    const real = this.#host.realpath(path);
    const target = real === null ? null : this.#host.lstat(real);
    if (target?.kind !== 'directory') {
      this.#problem('in-the-way', path, `${path} must be a folder, but is a link that leads to none`);
      return false;
    }
    const folder = host.lstat(host.realpath(dirname(path)) ?? dirname(path));
    if (folder !== null && isTrustedLink(link, folder, target, agentUid)) return true;
    const why = `is a link that user ${link.uid} has made, or that others can exchange; nothing is written through it`;
    this.#problem('untrusted-link', path, `${path} ${why}: name the folder that it leads to, ${real}`);
    return false;
  }

  /** The agent makes the links of revisions as its own user, and a revision's link is not the operator's word. */
  #whoBroughtLink(path: string): string | null {
    if (this.#ours.has(path)) return 'a revision of this deployment group';
    const claimant = this.#others.claimantOf(path);
    return claimant === null ? null : `a revision of the deployment group ${claimant.name}`;
  }

  #addFile(source: string, kind: 'file' | 'symlink', path: string): void {
    const before = this.#sources.get(path);
    if (before !== undefined) {
      this.#problem('duplicate-destination', path, `${path} would come from ${before} and from ${source}`);
      return;
    }
    if (this.#folders.get(path) === 'made') {
      const message = `${path} would be a file, from ${source}, and also a folder${this.#hintAboutFileName(path)}`;
      this.#problem('duplicate-destination', path, message);
      return;
    }
    if (this.#isTooLong(path) || !this.#addFolder(dirname(path))) return;
    this.#sources.set(path, source);
    const original = this.#input.host.lstat(path);
    if (this.#isOwnPlace(path, this.#input.ownPlaces?.ofFile(path, original))) return;
    if (original !== null && this.#isProtected(path)) {
      this.#kept.set(path, 'protected');
      return;
    }
    const facts = this.#host.lstat(path);
    if (facts?.kind === 'directory') {
      if (this.#replacesFolder(path)) this.#files.set(path, this.#describe(source, kind, path));
      return;
    }
    const claimant = this.#others.claimantOf(path);
    // A link to nothing counts as nothing, for the official agents as well.
    const isForeign =
      facts !== null && (claimant !== null || !(facts.kind === 'symlink' && this.#host.realpath(path) === null));
    if (isForeign && this.#behavior === 'RETAIN') {
      this.#kept.set(path, 'retained');
      return;
    }
    if (claimant?.isCutOff === true) {
      this.#refuseClaimed(path, claimant, `${path} belongs to`);
      return;
    }
    const file = this.#describe(source, kind, path);
    if (isForeign && this.#behavior === 'DISALLOW') {
      this.#refuseOrKeep(path, original !== null && this.#holdsTheSame(file, original), claimant);
      return;
    }
    this.#files.set(path, file);
    if (original !== null && mayHoldTheSame(file, original)) {
      if (kind === 'file') this.#compare({ source, path });
      else if (this.#holdsTheSame(file, original)) this.#sameLinks.add(path);
    }
    // A claim to what is not there any more is struck as well, but nobody has lost anything by it.
    if (facts === null) this.#others.strike(path);
    else this.#others.takeOver(path);
  }

  /** Keeps or refuses a file that is there and is not this group's, for DISALLOW. */
  #refuseOrKeep(path: string, isSame: boolean, claimant: OtherGroup | null): void {
    if (claimant !== null && !(isSame && this.#others.isReplaced(path))) {
      this.#refuseClaimed(path, claimant, `${path} belongs to`);
    } else if (isSame) {
      this.#kept.set(path, 'identical');
      this.#others.strike(path);
    } else this.#problem('file-exists', path, `${path} exists already, and not from a deployment of this group`);
  }

  /** With OVERWRITE a file takes the place of a folder that holds nothing, or nothing but what other groups have brought. */
  #replacesFolder(path: string): boolean {
    const isEmpty = this.#host.readdir(path).length === 0;
    const isOthers = !isEmpty && this.#others.claimAllBelow(path, this.#host, this.#isProtected);
    if (this.#behavior === 'OVERWRITE' && (isEmpty || isOthers)) {
      this.#others.takeOverTree(path, this.#host);
      return true;
    }
    const what = isEmpty ? 'an empty folder is there' : 'a folder is there that holds something';
    this.#problem(isEmpty || isOthers ? 'folder-for-file' : 'in-the-way', path, `${path} must be a file, but ${what}`);
    return false;
  }

  /** Whether no file system has a place for a path; asked before anything looks there. A folder that is too long is told once. */
  #isTooLong(path: string): boolean {
    const isPathTooLong = Buffer.byteLength(path) > MOST_PATH_BYTES;
    if (!isPathTooLong && Buffer.byteLength(basename(path)) <= MOST_NAME_BYTES) return false;
    const limit = isPathTooLong ? MOST_PATH_BYTES : MOST_NAME_BYTES;
    if (this.#tooLong.has(path)) return true;
    this.#tooLong.add(path);
    this.#problem('name-too-long', path, `${path} is longer than ${limit} bytes, which no file system takes`);
    return true;
  }

  #describe(source: string, kind: 'file' | 'symlink', path: string): PlannedFile {
    const { archive } = this.#input;
    const facts = archive.lstat(source);
    if (facts === null) throw new Error(`${source} has gone while the Install was planned`);
    return { path, source, kind, facts, target: kind === 'symlink' ? archive.readlink(source) : null };
  }

  #holdsTheSame(file: PlannedFile, there: ObjectFacts): boolean {
    if (!mayHoldTheSame(file, there)) return false;
    if (file.kind === 'symlink') return this.#input.host.readlink(file.path) === file.target;
    return this.#input.host.sameContent(file.source, file.path);
  }

  /** @param same paths of files that were compared and hold the same on the host already */
  result(same: ReadonlySet<string>): PlanResult {
    const made = [...this.#folders].filter(([, state]) => state === 'made').map(([path]) => path);
    const permissions = this.#planPermissions(made);
    const plan = this.#plan(made, permissions, same);
    // Room is asked for last: it is that of all that could be planned, whatever else is wrong.
    if (this.#input.room !== undefined) this.#problems.push(...roomProblems(plan, this.#input.host, this.#input.room));
    return this.#problems.length > 0 ? { ok: false, problems: this.#problems } : { ok: true, plan };
  }

  #plan(made: readonly string[], permissions: readonly PlannedPermission[], same: ReadonlySet<string>): InstallPlan {
    const byPath = new Map(permissions.map((permission) => [permission.path, permission]));
    const unchanged: UnchangedFile[] = [];
    const files: PlannedFile[] = [];
    for (const file of this.#files.values()) {
      const isSame = same.has(file.path) || this.#sameLinks.has(file.path);
      const stays = isSame ? this.#asUnchanged(file, byPath.get(file.path)) : null;
      if (stays === null) files.push(file);
      else unchanged.push(stays);
    }
    const { host } = this.#input;
    const oldest = [...this.#ours].filter((path) => host.lstat(path) !== null).reverse();
    const isOldFolder = (path: string) => host.lstat(path)?.kind === 'directory';
    const isNeeded = (path: string) => this.#files.has(path) || this.#folders.has(path);
    const superfluous = oldest.filter((path) => !isNeeded(path) && !this.#isProtected(path));
    const removals = superfluous.filter((path) => !isOldFolder(path));
    const struck = this.#others.struck();
    const contexts = new Set(permissions.flatMap(({ path, context }) => (context === null ? [] : path)));
    return {
      folders: made,
      files,
      unchanged,
      kept: [...this.#kept].map(([path, why]) => ({ path, why })),
      removals,
      folderRemovals: superfluous.filter((path) => isOldFolder(path) && this.#host.lstat(path) === null),
      saved: [...files.map(({ path }) => path), ...removals].filter((path) => this.#isChangedByOthers(path)),
      carried: this.#carried(isNeeded),
      staleContexts: [
        ...this.#input.previous.flatMap(({ kind, path }) => (kind === 'semanage' ? path : [])),
        ...struck.flatMap((one) => one.contexts),
      ].filter((path) => !contexts.has(path)),
      takenOver: this.#others.takenOver,
      struck,
      permissions,
    };
  }

  /**
   * Returns what is to be done in place with a file whose content is right already; null: it must be written anew.
   *
   * Only what a rollback can restore to the bit is done in place. A change of the owner drops capabilities, an ACL replaces one, and a
   * second name would be changed along with the first.
   */
  #asUnchanged(file: PlannedFile, permission: PlannedPermission | undefined): UnchangedFile | null {
    const there = this.#input.host.lstat(file.path);
    if (there === null) return null;
    if (permission !== undefined && (permission.acls !== null || permission.context !== null)) return null;
    if (this.#manifestOf(file.path)?.isSpecial === true || this.#others.isSpecial(file.path)) return null;
    const keepsOwner = this.#input.agentUid === 0;
    const uid = permission?.uid ?? (keepsOwner ? file.facts.uid : there.uid);
    const gid = permission?.gid ?? (keepsOwner ? file.facts.gid : there.gid);
    if (uid !== there.uid || gid !== there.gid) return null;
    if (file.kind === 'symlink') return { ...file, newMode: null, newMtimeMs: null };
    const mode = permission?.mode ?? file.facts.mode;
    const newMode = mode === there.mode ? null : mode;
    const newMtimeMs = isSameTime(file.facts.mtimeMs, there.mtimeMs) ? null : file.facts.mtimeMs;
    if (there.links > 1 && (newMode !== null || newMtimeMs !== null)) return null;
    return { ...file, newMode, newMtimeMs };
  }

  /** Returns what the last Install noted of a file; nothing of one that another group has taken over since. */
  #manifestOf(path: string): ManifestEntry | undefined {
    return this.#ours.has(path) ? this.#input.manifest?.get(path) : undefined;
  }

  /** Whether a file of the last Install is not any more as that Install left it. */
  #isChangedByOthers(path: string): boolean {
    const { installedAtMs = Number.POSITIVE_INFINITY } = this.#input;
    return isChangedSince(this.#input, path, this.#manifestOf(path), installedAtMs);
  }

  /** Protected files of the last Install, and the folders of that Install that they keep from going. */
  #carried(isNeeded: (path: string) => boolean): string[] {
    const carried = new Set<string>();
    for (const path of this.#ours) {
      if (!this.#isProtected(path) || isNeeded(path) || this.#input.host.lstat(path) === null) continue;
      for (let one = path; this.#ours.has(one) && !carried.has(one); one = dirname(one)) {
        if (!isNeeded(one)) carried.add(one);
      }
    }
    return [...this.#ours].filter((path) => carried.has(path));
  }

  #planPermissions(folders: readonly string[]): readonly PlannedPermission[] {
    const { permissions, problems } = planPermissions(this.#input, {
      files: [...this.#files.keys()],
      folders,
      isFolder: (path) => this.#folders.has(path) || this.#host.lstat(path)?.kind === 'directory',
    });
    this.#problems.push(...problems);
    return permissions;
  }

  #problem(rule: PlanProblem['rule'], path: string, message: string): void {
    this.#problems.push({ rule, path, message, origin: this.#origin });
  }
}

function mayHoldTheSame(file: PlannedFile, there: ObjectFacts): boolean {
  return file.kind === there.kind && (file.kind === 'symlink' || file.facts.sizeBytes === there.sizeBytes);
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`);
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
