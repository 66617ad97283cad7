/** The agent of this machine as a process: whether it runs, and how it is started and stopped by hand. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { statusSocketPath } from '../agent/status-socket.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import { messageOf, SlipwayError } from '../errors.ts';
import { lockOwner } from '../system/instance-lock.ts';
import { signalProcess } from '../system/processes.ts';
import { requireProgram } from '../system/programs.ts';
import type { CliContext } from './context.ts';
import { packageRoot } from './package-root.ts';
import { showService } from './service/properties.ts';

const UNIT = 'slipway-agent';
/** The unit of an installation by npm, and what enables the unit of a package. */
const SERVICE_FILES = [
  `/etc/systemd/system/${UNIT}.service`,
  `/etc/systemd/system/multi-user.target.wants/${UNIT}.service`,
];
const LOOK_AGAIN_MS = 50;
/** A start that has not taken its lock by then has not gone well. */
const START_MS = 20_000;
/** Tracking files that are older tell of a command that nobody waits for any more. @see the official agent 1.8.1 */
const TRACKED_MS = 24 * 60 * 60_000;

export type AgentProcess = { readonly state: 'running'; readonly pid: number } | { readonly state: 'stopped' };

/** @throws Error when the lock file is there and cannot be read */
export function findAgent({ pidDir, programName }: Pick<AgentConfig, 'pidDir' | 'programName'>): AgentProcess {
  const pid = lockOwner(join(pidDir, `${programName}.pid.lock`));
  return pid === null ? { state: 'stopped' } : { state: 'running', pid };
}

/** Whether systemd starts and stops the agent: then only it may, because it starts again what ends. */
export function isService(): boolean {
  return existsSync('/run/systemd/system') && SERVICE_FILES.some((file) => existsSync(file));
}

/** @returns the unit, and the agent's PID as systemd knows it; null: none runs now */
export async function tellService(
  verb: 'start' | 'stop' | 'restart',
): Promise<{ readonly unit: string; readonly pid: number | null }> {
  requireProgram('systemctl', process.env['PATH']);
  const told = await execa('systemctl', [verb, UNIT], { reject: false, stdin: 'ignore' });
  if (told.failed) throw new SlipwayError('CLI_AGENT_CONTROL', `systemctl ${verb} ${UNIT} failed: ${told.stderr}`);
  const { MainPID } = await showService(UNIT);
  return { unit: `${UNIT}.service`, pid: Number(MainPID) || null };
}

/** Starts an agent that lives on without this process. @throws SlipwayError CLI_AGENT_CONTROL with what it said when it does not come up */
export async function startAgent(ctx: CliContext, config: AgentConfig, configFile: string | null): Promise<number> {
  const already = findAgent(config);
  if (already.state === 'running') {
    throw new SlipwayError('AGENT_ALREADY_RUNNING', `an agent runs already, with PID ${already.pid}`);
  }
  const program = join(packageRoot(), 'bin/slipway.js');
  const args = ['agent', ...(configFile === null ? [] : ['--config-file', configFile])];
  const child = spawn(process.execPath, [program, ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  let isThere = true;
  child.once('error', (error) => {
    said += messageOf(error);
    isThere = false;
  });
  const giveUpAtMs = ctx.clock.now() + START_MS;
  while (isThere && child.exitCode === null && ctx.clock.now() < giveUpAtMs) {
    const found = findAgent(config);
    // With its socket it is past all that can make a start fail, and heeds signals.
    if (found.state === 'running' && existsSync(statusSocketPath(config))) {
      // From here on nobody reads what it says there; its log file has all of it.
      child.stderr.destroy();
      child.unref();
      return found.pid;
    }
    await ctx.clock.sleep(LOOK_AGAIN_MS);
  }
  child.kill('SIGKILL');
  throw new SlipwayError('CLI_AGENT_CONTROL', `the agent did not start: ${said.trim() || 'it said nothing'}`);
}

/**
 * Stops the agent in good order.
 *
 * @returns the PID it had; null: none ran
 * @throws SlipwayError CLI_AGENT_CONTROL while a command runs, or when it does not end within kill_agent_max_wait_time_seconds
 */
export async function stopAgent(ctx: CliContext, config: AgentConfig): Promise<number | null> {
  const found = findAgent(config);
  if (found.state === 'stopped') return null;
  const tracked = trackedDeployments(ctx, config);
  if (tracked.length > 0) {
    throw new SlipwayError('CLI_AGENT_CONTROL', `the agent is not stopped while it deploys ${tracked.join(', ')}`, {
      remedy: `Wait for the deployment to end; or send SIGTERM to process ${found.pid}, which lets the running command finish and then ends.`,
    });
  }
  signalProcess(found.pid, 'SIGTERM');
  const giveUpAtMs = ctx.clock.now() + config.maxStopWaitSeconds * 1000;
  while (findAgent(config).state === 'running') {
    if (ctx.clock.now() >= giveUpAtMs) {
      throw new SlipwayError(
        'CLI_AGENT_CONTROL',
        `the agent (PID ${found.pid}) still runs after ${config.maxStopWaitSeconds} s`,
        {
          remedy: 'It ends when its scripts have ended: `slipway logs` shows what it still does.',
        },
      );
    }
    await ctx.clock.sleep(LOOK_AGAIN_MS);
  }
  return found.pid;
}

function trackedDeployments(ctx: CliContext, config: AgentConfig): string[] {
  const folder = join(config.rootDir, config.ongoingDeploymentTracking);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => ctx.clock.now() - statSync(join(folder, name)).mtimeMs < TRACKED_MS);
}
