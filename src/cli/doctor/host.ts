/** What the doctor looks at on this machine. */
import { accessSync, constants, existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AgentConfig } from '../../config/agent-config.ts';
import { instructionsDir } from '../../deployment/layout.ts';
import { messageOf } from '../../errors.ts';
import { findProgram } from '../../system/programs.ts';
import { findAgent } from '../agent-process.ts';
import { type Finding, fail, ok, warn } from './check.ts';

const GIB = 2 ** 30;
/** Below this the next revision of usual size may not fit. */
const LITTLE_BYTES = GIB;
const LITTLE_INODES = 50_000;

/** Programs that some deployments need, and what for. */
const TOOLS = [
  ['git', 'revisions from git', 'git'],
  ['setfacl', '`acls` in AppSpec files', 'acl'],
  ['semanage', '`context` in AppSpec files', 'policycoreutils-python-utils'],
  ['su', '`runas` of hooks', 'util-linux'],
  ['sudo', '`sudo` of hooks', 'sudo'],
  ['mkfifo', 'every hook', 'coreutils'],
] as const;
/** Without it no hook runs. */
const NEEDED = new Set(['mkfifo']);

export function lookAtAgent(config: AgentConfig): Finding {
  try {
    const found = findAgent(config);
    if (found.state === 'running') return ok('agent', `runs as PID ${found.pid}`);
    return warn('agent', 'does not run', 'Start it: `systemctl start slipway-agent`, or `slipway agent start`.');
  } catch (error) {
    return warn('agent', `cannot be told whether it runs: ${messageOf(error)}`, 'Run the doctor as the agent’s user.');
  }
}

export function lookAtFolders(config: AgentConfig): Finding[] {
  return (['rootDir', 'logDir', 'pidDir'] as const).map((name) => {
    const path = config[name];
    const check = `folder ${path}`;
    // One that is not there yet is made, if the nearest that is there allows it.
    let nearest = path;
    while (!existsSync(nearest)) nearest = dirname(nearest);
    try {
      accessSync(nearest, constants.W_OK | constants.X_OK);
    } catch (error) {
      return fail(
        check,
        `cannot be written: ${messageOf(error)}`,
        'Run as the agent’s user, or give that user the folder.',
      );
    }
    const { mode } = statSync(nearest);
    if (nearest === path && (mode & 0o002) !== 0) {
      return warn(
        check,
        'may be written by everybody',
        `chmod o-w ${path}: whoever writes there decides what root runs.`,
      );
    }
    return ok(check, nearest === path ? 'can be written' : 'is not there yet, and can be made');
  });
}

export function lookAtDisk({ rootDir }: AgentConfig): Finding {
  let nearest = rootDir;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  const { bavail, bsize, ffree, files } = statfsSync(nearest);
  const detail = `${((bavail * bsize) / GIB).toFixed(1)} GiB and ${files === 0 ? 'any number of' : ffree} inodes free for ${rootDir}`;
  const isShort = bavail * bsize < LITTLE_BYTES || (files > 0 && ffree < LITTLE_INODES);
  return isShort
    ? warn(
        'disk',
        detail,
        'Make room, or lower max_revisions or max_revisions_bytes; downloads that do not fit are refused before they begin.',
      )
    : ok('disk', detail);
}

export function lookAtTools(path: string | undefined): Finding[] {
  return TOOLS.map(([tool, purpose, debianPackage]) => {
    const found = findProgram(tool, path);
    if (found !== null) return ok(`program ${tool}`, found);
    const remedy = `Install it (on Debian and Ubuntu the package ${debianPackage}) if deployments need it.`;
    return (NEEDED.has(tool) ? fail : warn)(`program ${tool}`, `is not there; ${purpose} needs it`, remedy);
  });
}

/** A journal that is there while no agent runs tells of a crash that the next start puts right. */
export function lookAtJournals({ rootDir }: AgentConfig): Finding {
  const folder = instructionsDir(rootDir);
  const journals = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.journal')) : [];
  return journals.length === 0
    ? ok('interrupted Installs', 'none')
    : warn(
        'interrupted Installs',
        journals.join(', '),
        'Start the agent: it puts back the old tree or completes the new one. While it installs, this is normal.',
      );
}
