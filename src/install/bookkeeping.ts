/**
 * Records of each deployment group's last Install: their files, and how far they are believed. The names of the cleanup file and of the
 * pointer are those of the official agent.
 */
import { join } from 'node:path';
import { parseCleanup } from './cleanup-file.ts';
import type { InstallContext } from './context.ts';
import { parseManifest } from './manifest.ts';
import type { OtherGroup } from './other-groups.ts';
import type { PlanInput } from './plan.ts';
import type { CleanupEntry } from './types.ts';

const CLEANUP_SUFFIX = '-cleanup';
export const JOURNAL_SUFFIX = '-install.journal';

type BookkeepingContext = Pick<InstallContext, 'fs' | 'log' | 'agentUid'>;

interface WhereBookkeepingIs {
  /** `deployment-instructions`, of all deployment groups. */
  readonly instructionsDir: string;
  readonly deploymentGroupId: string;
}

export interface BookkeepingPaths {
  readonly instructions: string;
  readonly cleanup: string;
  readonly manifest: string;
  readonly lastSuccessful: string;
  readonly journal: string;
}

export function bookkeepingPaths({ instructionsDir, deploymentGroupId }: WhereBookkeepingIs): BookkeepingPaths {
  const at = (suffix: string) => join(instructionsDir, `${deploymentGroupId}${suffix}`);
  return {
    instructions: at('-install.json'),
    cleanup: at(CLEANUP_SUFFIX),
    manifest: at('-manifest'),
    lastSuccessful: at('_last_successful_install'),
    journal: at(JOURNAL_SUFFIX),
  };
}

/** Facts about the deployment group's last Install; empty without one. */
export type LastInstall = Required<Pick<PlanInput, 'previous' | 'manifest' | 'installedAtMs'>>;

export function readLastInstall(ctx: BookkeepingContext, paths: BookkeepingPaths): LastInstall {
  return { previous: readCleanupFile(ctx, paths.cleanup), ...readManifest(ctx, paths) };
}

function readManifest(ctx: BookkeepingContext, paths: BookkeepingPaths): Omit<LastInstall, 'previous'> {
  const manifest = readOwnFile(ctx, paths.manifest);
  return {
    manifest: parseManifest(manifest ?? ''),
    installedAtMs: manifest === null ? 0 : ctx.fs.lstatSync(paths.manifest).mtimeMs,
  };
}

/**
 * Reads what the previous Install left to clean up. The file says what is to be deleted as root, so it is believed only if nobody else
 * could have written it.
 */
function readCleanupFile(ctx: BookkeepingContext, path: string): CleanupEntry[] {
  return parseCleanup(readOwnFile(ctx, path) ?? '');
}

/** The other deployment groups of the host that have installed something, with what their records claim. */
export function readOtherGroups(
  ctx: BookkeepingContext,
  where: WhereBookkeepingIs & {
    /** How people call a group. */
    nameOfGroup?(groupId: string): string;
    /**
     * Whether this is for a preview, which counts no group as cut off. A real Install first puts right what was cut off, so a group that
     * still is cannot be put right.
     */
    readonly isPreview?: boolean;
  },
): OtherGroup[] {
  const { instructionsDir } = where;
  // Before the first deployment there is nothing; a preview makes nothing.
  if (!ctx.fs.existsSync(instructionsDir)) return [];
  const own = `${where.deploymentGroupId}${CLEANUP_SUFFIX}`;
  return ctx.fs
    .readdirSync(instructionsDir)
    .filter((name) => name.endsWith(CLEANUP_SUFFIX) && name !== own && !name.startsWith('.'))
    .map((name) => {
      const id = name.slice(0, -CLEANUP_SUFFIX.length);
      const paths = bookkeepingPaths({ instructionsDir, deploymentGroupId: id });
      let lastInstall: ReturnType<OtherGroup['lastInstall']> | undefined;
      return {
        id,
        name: where.nameOfGroup?.(id) ?? id,
        entries: readCleanupFile(ctx, paths.cleanup),
        isCutOff: where.isPreview !== true && ctx.fs.existsSync(paths.journal),
        lastInstall: () => {
          lastInstall ??= readManifest(ctx, paths);
          return lastInstall;
        },
      };
    });
}

/** A file of the agent's own; null: it is not there, or somebody else could have written it. */
function readOwnFile(ctx: BookkeepingContext, path: string): string | null {
  const { fs, log, agentUid } = ctx;
  if (!fs.existsSync(path)) return null;
  const stats = fs.lstatSync(path);
  if (!stats.isFile() || stats.uid !== agentUid || (stats.mode & 0o022) !== 0) {
    log.warn(
      'a file about the last Install is not the agent’s alone and is ignored; the files it lists count as somebody else’s',
      { path, owner: stats.uid, mode: (stats.mode & 0o7777).toString(8) },
    );
    return null;
  }
  return fs.readFileSync(path, 'utf8');
}
