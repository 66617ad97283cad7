/** Checks of the agent's folders: who may write them, on which mounts they are, and how full those are. */
import { statSync } from 'node:fs';
import type { AgentConfig } from '../../config/agent-config.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { type Finding, fail } from './check.ts';
import { type FolderFacts, lookAtFolder, lookAtTmp, mountFor, nearestOf } from './folder.ts';
import { fullness, lookAtRoom } from './room.ts';

export function lookAtFolders(config: AgentConfig, facts: Omit<FolderFacts, 'move' | 'danger'>): Finding[] {
  const ofAgent: FolderFacts = {
    ...facts,
    move: 'move the folder (root_dir, log_dir, pid_dir)',
    danger: 'whoever writes there decides what root runs.',
  };
  const folders = [config.rootDir, config.logDir, config.pidDir];
  return [
    ...folders.map((path) => lookAtFolder(path, ofAgent)),
    ...lookAtExecution(config, ofAgent),
    ...lookAtTmp(ofAgent, 'the agent’s'),
  ];
}

/** Scripts are run where they were unpacked to. */
function lookAtExecution({ rootDir }: AgentConfig, facts: FolderFacts): Finding[] {
  const mount = mountFor(rootDir, facts);
  if (mount === null || !mount.options.has('noexec')) return [];
  const { mountPoint } = mount;
  return [
    fail(
      'scripts',
      `cannot run: root_dir ${rootDir} is on ${mountPoint}, which is mounted noexec`,
      `\`${shellCommand('mount', '-o', 'remount,exec', mountPoint)}\`, and take noexec out of its line in /etc/fstab; or set root_dir to a folder elsewhere.`,
    ),
  ];
}

export function lookAtDisk(config: AgentConfig): Finding[] {
  const seen = new Set<number>();
  return [config.rootDir, config.pidDir, config.logDir].flatMap((path) => {
    const nearest = nearestOf(path);
    const { dev } = statSync(nearest);
    if (seen.has(dev)) return [];
    seen.add(dev);
    const full = fullness(nearest);
    if (full !== null) return [fail('disk', `${full.detail} for ${path}`, full.remedy)];
    return path === config.rootDir ? [lookAtRoom(path, nearest, MAKE_ROOM)] : [];
  });
}

const MAKE_ROOM =
  'Make room, or lower max_revisions or max_revisions_bytes; downloads that do not fit are refused before they begin.';
