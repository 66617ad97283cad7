import { join } from 'node:path';

/**
 * Where everything of a deployment is on disk, below `root_dir`. The tree is the official agent's, so that an operator who knows it, and
 * the tools that read it, find everything where it was.
 */
export interface DeploymentPaths {
  /** `<group id>`: all deployments of one deployment group. */
  readonly groupDir: string;
  readonly deploymentDir: string;
  /** Called so whatever its type is. */
  readonly bundleFile: string;
  readonly archiveDir: string;
  readonly scriptsLog: string;
  /** ETag seen at the download, without quotes. */
  readonly eTagFile: string;
  readonly bundleSourceFile: string;
}

export interface GroupPointers {
  /** Both hold the absolute path of a deployment's folder. */
  readonly lastSuccessful: string;
  readonly mostRecent: string;
}

export function deploymentPaths(rootDir: string, groupId: string, deploymentId: string): DeploymentPaths {
  const groupDir = join(rootDir, groupId);
  const deploymentDir = join(groupDir, deploymentId);
  return {
    groupDir,
    deploymentDir,
    bundleFile: join(deploymentDir, 'bundle.tar'),
    archiveDir: archiveDirOf(deploymentDir),
    scriptsLog: join(deploymentDir, 'logs/scripts.log'),
    eTagFile: join(deploymentDir, '.bundle-etag'),
    bundleSourceFile: join(deploymentDir, '.bundle-source'),
  };
}

export function archiveDirOf(deploymentDir: string): string {
  return join(deploymentDir, 'deployment-archive');
}

export function instructionsDir(rootDir: string): string {
  return join(rootDir, 'deployment-instructions');
}

export function groupPointers(rootDir: string, groupId: string): GroupPointers {
  const at = (suffix: string) => join(instructionsDir(rootDir), `${groupId}_${suffix}`);
  return { lastSuccessful: at('last_successful_install'), mostRecent: at('most_recent_install') };
}

export function deploymentsLogFile(rootDir: string, programName: string): string {
  return join(rootDir, 'deployment-logs', `${programName}-deployments.log`);
}
