/** Checks of this machine by the doctor. */
import { existsSync, readdirSync } from 'node:fs';
import type { AgentConfig } from '../../config/agent-config.ts';
import { instructionsDir } from '../../deployment/layout.ts';
import { lostAbilities } from '../../system/lost-abilities.ts';
import type { MachineFacts } from '../../system/machine-facts.ts';
import { programsOfHosts } from '../../system/program-table.ts';
import { findProgram } from '../../system/programs.ts';
import { lookupUser } from '../../system/users.ts';
import { type Finding, fail, ok, warn } from './check.ts';

/** @param path PATH as the agent has it */
export function lookAtTools(path: string | undefined): Finding[] {
  return programsOfHosts().map(({ name, purpose, debianPackage, absence }) => {
    const found = findProgram(name, path);
    if (found !== null) return ok(`program ${name}`, found);
    const remedy = `Install it (on Debian and Ubuntu the package ${debianPackage})${absence === 'fail' ? '' : ' if deployments need it'}; or correct PATH of the agent.`;
    return (absence === 'fail' ? fail : warn)(`program ${name}`, `is not there; ${purpose} needs it`, remedy);
  });
}

/**
 * Finds what the agent can use and the machine lacks.
 *
 * @param user that the agent runs as; null: the user who asks. Another user may be shown more processes
 */
export function lookAtMachine(facts: MachineFacts, user: string | null): Finding[] {
  const isAgents = user === null || lookupUser(user)?.uid === process.getuid?.();
  const lost = lostAbilities(isAgents || facts.processes === 'none' ? facts : { ...facts, processes: 'all' });
  return lost.length === 0
    ? [ok('machine', 'has all that the agent can use')]
    : lost.map(({ missing, lost, remedy }) => warn('machine', `lacks ${missing}: ${lost.join('; ')}`, remedy));
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
