import { globSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isResumable, removePart } from '../revision/bundle-part.ts';
import type { DeploymentContext } from './context.ts';
import { isLocalDeployment } from './layout.ts';
import { clearAside } from './set-aside.ts';

/** Files and folders under these names are unfinished; finished ones are renamed. */
const PART = 'bundle.tar.part';
const UNFINISHED = [PART, 'bundle.tar.git', 'deployment-archive-temp'];
/** Age in ms at which a partial download is removed: a later deployment probably brings another revision. */
const PARTS_KEPT_MS = 3 * 24 * 60 * 60 * 1000;

/**
 * Removes bundles and archives that a crash has left unfinished. A partial download that can be resumed stays, because the next deployment
 * of the same revision resumes it. Revisions go whose removal was cut off. Those of local deployments stay as well: they run in processes
 * of their own, and one may be at work now.
 */
export function removeHalfDone(ctx: Pick<DeploymentContext, 'rootDir' | 'clock' | 'log'>): void {
  clearAside(ctx.rootDir);
  for (const name of globSync(`*/*/{${UNFINISHED.join(',')}}`, { cwd: ctx.rootDir })) {
    const [, deploymentId = ''] = name.split('/');
    if (isLocalDeployment(deploymentId)) continue;
    const path = join(ctx.rootDir, name);
    try {
      if (name.endsWith(PART) && isResumable(path) && ctx.clock.now() - statSync(path).mtimeMs < PARTS_KEPT_MS)
        continue;
      if (name.endsWith(PART)) removePart(path);
      else rmSync(path, { recursive: true, force: true });
      ctx.log.warn('removed what an interrupted download left', { path });
    } catch (error) {
      ctx.log.warn('what an interrupted download left cannot be removed', { path, error });
    }
  }
}
