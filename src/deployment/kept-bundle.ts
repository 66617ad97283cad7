/** The proof of a bundle's origin is kept beside it, so that a later deployment that reuses the files can check it again. */
import { copyFileSync, existsSync, linkSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { SIGNATURE_SUFFIXES } from '../signature/signed-file.ts';
import { archiveDirOf, type DeploymentPaths, deploymentPaths } from './layout.ts';

const COMMIT_SUFFIX = '.commit';
const SUFFIXES = [...Object.values(SIGNATURE_SUFFIXES), COMMIT_SUFFIX];

/** The commit object that a bundle from git was made of. */
export function commitFileOf(bundleFile: string): string {
  return `${bundleFile}${COMMIT_SUFFIX}`;
}

/** The bundle that a kept archive of this group was unpacked from; null: the folder is none, or its bundle is not kept. */
export function bundleOfArchive(rootDir: string, groupId: string, folder: string): string | null {
  const deploymentDir = dirname(folder);
  const { groupDir, bundleFile } = deploymentPaths(rootDir, groupId, basename(deploymentDir));
  const isArchive = dirname(deploymentDir) === groupDir && folder === archiveDirOf(deploymentDir);
  return isArchive && existsSync(bundleFile) ? bundleFile : null;
}

/** Takes a kept bundle, and what vouches for it, over into another deployment. */
export function keepBundle(source: string, own: string): void {
  rmSync(own, { force: true });
  linkSync(source, own);
  for (const suffix of SUFFIXES) {
    if (existsSync(`${source}${suffix}`)) copyFileSync(`${source}${suffix}`, `${own}${suffix}`);
  }
}

export function removeSignatures({ bundleFile }: Pick<DeploymentPaths, 'bundleFile'>): void {
  for (const suffix of SUFFIXES) rmSync(`${bundleFile}${suffix}`, { force: true });
}
