/** The environment that the agent hands to its executors for scripts. */
import type { AgentConfig } from '../config/agent-config.ts';
import { inheritedEnvironment } from '../hooks/inherited-environment.ts';
import { USUAL_PROFILE, withProfile } from '../hooks/profile-environment.ts';
import { isServiceOfSystemd } from '../hooks/scope.ts';
import type { Logger } from '../logging/logger.ts';

/** Rules that a profile is read with. */
const WHOLE = { restrictToAllowlist: false, stripLoaderVariables: true };

/** Returns the environment that scripts inherit: the agent's own, and the machine's profile, where nobody has read that for the agent. */
export async function hookEnvironmentOf(
  { hookProfile, hookEnvironment }: AgentConfig,
  log: Logger,
): Promise<NodeJS.ProcessEnv> {
  const profile = hookProfile ?? (isServiceOfSystemd(process.env) ? USUAL_PROFILE : null);
  if (profile === null) return process.env;
  const given = inheritedEnvironment(process.env, { ...WHOLE, handedDown: hookEnvironment });
  const kept = Object.entries(process.env).filter(([name]) => !Object.hasOwn(given, name));
  const read = await withProfile(profile, given, (why) => {
    log.warn('scripts do not get the variables of the profile', { profile, why });
  });
  // What a profile must not see is left away for scripts, too, but tells how they are to be started.
  return { ...Object.fromEntries(kept), ...read };
}
