import { shellCommand } from '../system/shell-word.ts';
import type { DeploymentContext } from './context.ts';

/**
 * A command of this host as diagnostics advise it: it runs literally as it is printed, so it names the agent's configuration wherever
 * that is not the usual file, and its words are quoted for a shell.
 */
export function advisedCommand({ configFile }: Pick<DeploymentContext, 'configFile'>, ...words: string[]): string {
  const config = configFile === null ? [] : ['--config-file', configFile];
  return shellCommand('slipway', ...words, ...config);
}
