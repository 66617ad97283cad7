/** The host agent: makes the real context, recovers, polls, and ends in good order. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AgentConfig, loadAgentConfig } from '../config/agent-config.ts';
import { SlipwayError } from '../errors.ts';
import { resolveIdentity } from '../identity/resolve-identity.ts';
import { type ClosableLogger, createAgentLogger } from '../logging/create-logger.ts';
import { systemClock } from '../system/clock.ts';
import { limitCoreDumps } from '../system/core-dumps.ts';
import { closeInheritedDescriptors } from '../system/inherited-descriptors.ts';
import { type InstanceLock, takeInstanceLock } from '../system/instance-lock.ts';
import { describeLostAbilities, lostAbilities } from '../system/lost-abilities.ts';
import { readMachineFacts } from '../system/machine-facts.ts';
import { requireFolder } from '../system/required-folder.ts';
import { leaveWorkingFolder } from '../system/working-folder.ts';
import { serve } from './serve.ts';
import { watchSignals } from './stop-signals.ts';

export interface AgentOptions {
  /** null: the usual file. */
  readonly configFile: string | null;
  readonly version: string;
  /** Aborts at the first signal that asks for the end. */
  readonly interrupted: AbortSignal;
}

/**
 * Runs the agent until it is told to end.
 *
 * @returns the exit status: 0 after SIGTERM, SIGINT or SIGQUIT, also when running commands had to be left behind
 * @throws SlipwayError for configuration, identity or a second agent: the start has failed, and nothing was changed
 */
export async function runAgent(options: AgentOptions): Promise<number> {
  const { config, file, warnings } = loadAgentConfig(options.configFile);
  leaveWorkingFolder();
  requireFolder('root_dir', config.rootDir, 0o755);
  requireFolder('pid_dir', config.pidDir, 0o755);
  const lock = lockInstance(config);
  const log = createAgentLogger(config);
  const stop = watchSignals(log, options.interrupted);
  try {
    closeInherited(log);
    const lost = lostAbilities(readMachineFacts());
    if (lost.length > 0) log.warn(describeLostAbilities(lost));
    if (process.pid === 1) log.warn(AS_FIRST_PROCESS);
    for (const warning of warnings) log.warn(warning);
    await limitCoreDumps(config.disableCoreDumps, (why) => log.warn(`core dumps stay as they are: ${why}`));
    const identity = await resolveIdentity(config, process.env, systemClock, log);
    for (const warning of identity.warnings) log.warn(warning);
    await serve({ version: options.version, config, file, identity, log, stop });
    return 0;
  } finally {
    stop.release();
    lock.release();
    await log.close();
  }
}

/** Orphans of a container become children of its first process, and Node takes leave of none that it has not started itself. */
const AS_FIRST_PROCESS =
  'the agent is the first process of its container: what scripts leave behind stays as zombies until the container ends. ' +
  'Start the container with an init (`docker run --init`, or tini before the command)';

/** Nothing that was open before this process began goes on to scripts. */
function closeInherited(log: ClosableLogger): void {
  const closed = closeInheritedDescriptors(process.argv, process.env) ?? [];
  if (closed.length > 0) log.info('descriptors that the agent was started with are closed', { descriptors: closed });
}

/** The lock, and beside it the PID file for the tools that look for one. */
function lockInstance({ pidDir, programName }: AgentConfig): InstanceLock {
  const pidFile = join(pidDir, `${programName}.pid`);
  const lock = takeInstanceLock(
    `${pidFile}.lock`,
    (pid) => new SlipwayError('AGENT_ALREADY_RUNNING', `an agent runs already, with PID ${pid} (${pidFile})`),
  );
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o644 });
  return {
    release() {
      rmSync(pidFile, { force: true });
      lock.release();
    },
  };
}
