import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DeploymentContext } from './context.ts';
import { isLocalDeployment } from './layout.ts';

/** What is written under these names is renamed when it is whole. */
const UNFINISHED = ['bundle.tar.part', 'deployment-archive-temp'];

/**
 * Removes bundles and archives that a crash has left unfinished. Those of local deployments stay: they run in processes of their own, and
 * one may be at work now.
 */
export function removeHalfDone(ctx: Pick<DeploymentContext, 'rootDir' | 'log'>): void {
  for (const name of globSync(`*/*/{${UNFINISHED.join(',')}}`, { cwd: ctx.rootDir })) {
    const [, deploymentId = ''] = name.split('/');
    if (isLocalDeployment(deploymentId)) continue;
    const path = join(ctx.rootDir, name);
    try {
      rmSync(path, { recursive: true, force: true });
      ctx.log.warn('removed what an interrupted download left', { path });
    } catch (error) {
      ctx.log.warn('what an interrupted download left cannot be removed', { path, error });
    }
  }
}
