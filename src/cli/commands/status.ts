import type { AgentStatus } from '../../agent/status.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import type { AddCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import type { ShownMark } from '../view/host-marks.ts';
import { printResult } from '../view/result.ts';
import { renderDuration } from '../view/time.ts';

const GIB = 2 ** 30;

export const addStatusCommand: AddCommand = (program, ctx, conclude) => {
  program
    .command('status')
    .description(
      'show what the agent of this machine is doing; exit status 3 when it does not run, 4 when it does not answer',
    )
    .option('--json', 'as JSON')
    .option('--config-file <path>', 'the agent’s configuration; else the usual file')
    .action(async (options: { json?: boolean; configFile?: string }) => {
      const { loadAgentConfig } = await import('../../config/agent-config.ts');
      const { config, file } = loadAgentConfig(options.configFile ?? null);
      const { findAgent } = await import('../agent-process.ts');
      const { askAgent } = await import('../ask-agent.ts');
      const found = findAgent(config);
      const agent = await askAgent(config);
      const { silenceLimitMs } = await import('../../agent/status.ts');
      const { marksOfAgent } = await import('../view/host-marks.ts');
      const marks = agent === null ? [] : marksOfAgent(agent, ctx.clock.now(), silenceLimitMs(config));
      const known = { configFile: file, agent, marks, ...(await fromDisk(config)) };
      const silent = found.state === 'running' ? found.pid : null;
      printResult(ctx, options, known, render(ctx, known, silent));
      if (agent === null && silent === null) conclude('agent-stopped');
      else if (agent === null) conclude('agent-unknown');
    });
};

interface Known {
  readonly configFile: string | null;
  readonly agent: AgentStatus | null;
  /** Why deployments do not get to this host; empty: they do, or the agent does not answer. */
  readonly marks: readonly ShownMark[];
  readonly rootDir: string;
  readonly freeBytes: number | null;
  readonly groups: readonly StatusOfGroup[];
  readonly undelivered: number;
}

interface StatusOfGroup {
  readonly id: string;
  /** Empty, as the application is: only another tool has deployed to it, and this host does not know. */
  readonly name: string;
  readonly application: string;
  /** The deployment that is installed. */
  readonly current: string | null;
}

/** Reads the facts that need no agent. */
async function fromDisk(config: AgentConfig): Promise<Omit<Known, 'configFile' | 'agent' | 'marks'>> {
  const { existsSync, statfsSync } = await import('node:fs');
  const { basename } = await import('node:path');
  const { countUndelivered } = await import('../../agent/ledger.ts');
  const { groupsOnHost } = await import('../../deployment/groups-on-host.ts');
  const { rootDir } = config;
  if (!existsSync(rootDir)) return { rootDir, freeBytes: null, groups: [], undelivered: 0 };
  const { bavail, bsize } = statfsSync(rootDir);
  const groups = groupsOnHost(rootDir).map(({ id, names, current }) => ({
    id,
    name: names?.group ?? '',
    application: names?.application ?? '',
    current: current === null ? null : basename(current),
  }));
  return { rootDir, freeBytes: bavail * bsize, groups, undelivered: countUndelivered(rootDir) };
}

/** @param silentPid of an agent that runs and does not answer */
function render(
  { clock }: CliContext,
  { configFile, agent, marks, rootDir, freeBytes, groups, undelivered }: Known,
  silentPid: number | null,
): string[] {
  const ago = (ms: number) => `${renderDuration(clock.now() - ms)} ago`;
  const lines: string[] = [];
  const add = (name: string, value: string) => lines.push(`${(name === '' ? '' : `${name}:`).padEnd(15)} ${value}`);
  if (agent === null && silentPid === null) add('agent', 'does not run');
  else if (agent === null) add('agent', `runs as PID ${silentPid}, but does not answer: ask as its user, or as root`);
  else {
    const { lastPoll } = agent;
    add('agent', `runs as PID ${agent.pid}, version ${agent.version}, started ${ago(agent.startedAtMs)}`);
    add('host', `${agent.hostIdentifier} (from ${agent.identityFrom})`);
    for (const { mark, why } of marks) add('', `${mark}: ${why}`);
    add('endpoint', agent.endpoint);
    add(
      'last poll',
      lastPoll.answeredAtMs === null ? 'none was answered yet' : `answered ${ago(lastPoll.answeredAtMs)}`,
    );
    if (lastPoll.failures > 0) add('', `${lastPoll.failures} failed since: ${lastPoll.lastError}`);
    if (agent.isFull) add('', 'no more are asked for: all places for commands are taken');
    if (agent.running.length === 0) add('running', 'nothing');
    for (const { commandName, deploymentId, sinceMs } of agent.running) {
      add('running', `${commandName} of ${deploymentId}, begun ${ago(sinceMs)}`);
    }
  }
  if (undelivered > 0) add('undelivered', `${undelivered} outcomes wait for the control endpoint`);
  add('configuration', configFile ?? 'defaults');
  add('files', `${rootDir}${freeBytes === null ? ' is not there yet' : `, ${(freeBytes / GIB).toFixed(1)} GiB free`}`);
  for (const { id, name, application, current } of groups) {
    add('group', `${name === '' ? id : `${application}/${name} (${id})`}: ${current ?? 'nothing'} is installed`);
  }
  return lines;
}
