import { quoteForShell } from '../hooks/command-line.ts';
import type { DeploymentContext } from './context.ts';

/**
 * A command of this host as diagnostics advise it: it runs literally as it is printed, so it names the agent's configuration wherever
 * that is not the usual file, and its words are quoted for a shell.
 */
export function advisedCommand({ configFile }: Pick<DeploymentContext, 'configFile'>, ...words: string[]): string {
  const config = configFile === null ? [] : ['--config-file', configFile];
  return ['slipway', ...words, ...config].map(shellWord).join(' ');
}

/** A word as a person can type it. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : quoteForShell(word);
}
