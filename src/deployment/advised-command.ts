import { shellCommand } from '../system/shell-word.ts';
import type { DeploymentContext } from './context.ts';

/**
 * Writes a command of this host for diagnostics. It can be run literally as printed: it names the agent's configuration file if that is not
 * the usual one, and quotes its words for a shell.
 */
export function advisedCommand({ configFile }: Pick<DeploymentContext, 'configFile'>, ...words: string[]): string {
  const config = configFile === null ? [] : ['--config-file', configFile];
  return shellCommand('slipway', ...words, ...config);
}
