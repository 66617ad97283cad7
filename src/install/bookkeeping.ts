/**
 * What is noted of each deployment group's last Install, in which files, and how far they are believed. The names of the cleanup file and
 * of the pointer are those of the official agent.
 */
import { join } from 'node:path';
import { parseCleanup } from './cleanup-file.ts';
import type { InstallContext } from './context.ts';
import { parseManifest } from './manifest.ts';
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

/** What is known of the deployment group's last Install; without one, nothing. */
export type LastInstall = Required<Pick<PlanInput, 'previous' | 'manifest' | 'installedAtMs'>>;

export function readLastInstall(ctx: BookkeepingContext, paths: BookkeepingPaths): LastInstall {
  const manifest = readOwnFile(ctx, paths.manifest);
  return {
    previous: readCleanupFile(ctx, paths.cleanup),
    manifest: parseManifest(manifest ?? ''),
    installedAtMs: manifest === null ? 0 : ctx.fs.lstatSync(paths.manifest).mtimeMs,
  };
}

/**
 * What the previous Install left to clean up. The file says what is to be deleted as root, so it is believed only if nobody else could
 * have written it.
 */
function readCleanupFile(ctx: BookkeepingContext, path: string): CleanupEntry[] {
  return parseCleanup(readOwnFile(ctx, path) ?? '');
}

/**
 * What the cleanup files of the other deployment groups list. A file of another group is a conflict whatever the file-exists behaviour
 * is: overwritten, it would break that group's application; retained, that group's next Install would take it away from this one.
 */
export function filesOfOtherGroups(ctx: BookkeepingContext, where: WhereBookkeepingIs): Map<string, string> {
  const own = `${where.deploymentGroupId}${CLEANUP_SUFFIX}`;
  // Before the first deployment there is nothing; a preview makes nothing.
  if (!ctx.fs.existsSync(where.instructionsDir)) return new Map();
  const names = ctx.fs.readdirSync(where.instructionsDir).filter((name) => name.endsWith(CLEANUP_SUFFIX));
  return new Map(
    names
      .filter((name) => name !== own && !name.startsWith('.'))
      .flatMap((name) => {
        const group = name.slice(0, -CLEANUP_SUFFIX.length);
        const entries = readCleanupFile(ctx, join(where.instructionsDir, name));
        return entries.flatMap(({ kind, path }): [string, string][] => (kind === 'path' ? [[path, group]] : []));
      }),
  );
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
