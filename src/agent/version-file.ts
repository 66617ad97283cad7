import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from '../logging/logger.ts';

/**
 * Writes `.version` beside the deployment root, where tools look for it.
 *
 * @see the official agent 1.8.1, `deploy_agent_version`, for place and form, and 2.x for the mode
 */
export function writeVersionFile(rootDir: string, agentVersion: string, log: Logger): void {
  const file = join(dirname(rootDir), '.version');
  try {
    rmSync(file, { force: true });
    writeFileSync(file, `agent_version: ${agentVersion}\n`);
    chmodSync(file, 0o444);
  } catch (error) {
    log.warn('the version file cannot be written', { file, error });
  }
}
