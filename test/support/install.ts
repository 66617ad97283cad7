import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AppSpec } from '../../src/appspec/types.ts';
import { systemAttributeTools } from '../../src/install/attribute-tools.ts';
import type { InstallContext } from '../../src/install/context.ts';
import type { InstallRequest } from '../../src/install/install.ts';
import { type InstallFs, realInstallFs } from '../../src/install/install-fs.ts';
import { silentLogger } from '../../src/logging/logger.ts';

export function installContext(fs: InstallFs = realInstallFs): InstallContext {
  return {
    fs,
    tools: systemAttributeTools,
    ids: { userId: (name) => idOf(name, process.getuid), groupId: (name) => idOf(name, process.getgid) },
    agentUid: process.getuid?.() ?? 0,
    log: silentLogger,
  };
}

/** `me` is who runs the test: an ordinary user can give what is theirs to nobody else. */
function idOf(name: string, own: (() => number) | undefined): number | null {
  if (name === 'me') return own?.() ?? null;
  return name === 'root' ? 0 : null;
}

/** Name below the folder → content; a content that begins with `->` is a link. */
export type Files = Readonly<Record<string, string>>;

export function writeFiles(folder: string, files: Files): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    if (content.startsWith('->')) symlinkSync(content.slice(2), path);
    else writeFileSync(path, content);
  }
  return folder;
}

export function appSpecFor(overrides: Partial<AppSpec>): AppSpec {
  return { os: 'linux', fileExistsBehavior: null, files: [], permissions: [], hooks: new Map(), ...overrides };
}

/** A request to install everything of `archive` into `site`, both below `root`. */
export function installRequest(root: string, archive: string, overrides: Partial<InstallRequest> = {}): InstallRequest {
  const instructionsDir = join(root, 'instructions');
  mkdirSync(instructionsDir, { recursive: true });
  return {
    appSpec: appSpecFor({ files: [{ source: '', destination: join(root, 'site') }] }),
    archiveDir: join(root, archive),
    instructionsDir,
    deploymentGroupId: 'group',
    deploymentId: `d-${archive}`,
    deploymentDir: join(root, 'deployments', archive),
    fileExistsBehavior: 'DISALLOW',
    rules: { rejectUnsafePermissions: false, rejectUnconfinedSelinux: true },
    ...overrides,
  };
}
