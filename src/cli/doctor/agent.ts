/** Whether the agent of this machine runs, answers, and gets its polls answered. */
import { type AgentStatus, silenceLimitMs, troubleOf } from '../../agent/status.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { messageOf } from '../../errors.ts';
import { findAgent } from '../agent-process.ts';
import { askAgent } from '../ask-agent.ts';
import type { CliContext } from '../context.ts';
import { packageVersion } from '../package-version.ts';
import { type Finding, fail, ok, warn } from './check.ts';
import { ageOf, isHalted, ownerOf, remedyOfHang } from './process.ts';
import { lookAtService } from './service-state.ts';
import { AGENT_SERVICE, type Surroundings } from './surroundings.ts';

/** An agent that has just been started puts right what a crash has left, before it answers. */
const STARTING_MS = 30_000;
/** So many polls in a row have failed: that is no hiccup. */
const MANY_FAILURES = 3;

export interface LookedAtAgent {
  readonly findings: readonly Finding[];
  /** null: none runs, or nobody knows. */
  readonly pid: number | null;
}

export async function lookAtAgent(
  ctx: Pick<CliContext, 'clock'>,
  config: AgentConfig,
  { service }: Surroundings,
): Promise<LookedAtAgent> {
  let found: ReturnType<typeof findAgent>;
  try {
    found = findAgent(config);
  } catch (error) {
    const remedy = 'Run the doctor as root, or as the agent’s user.';
    return { findings: [warn('agent', `cannot be told whether it runs: ${messageOf(error)}`, remedy)], pid: null };
  }
  const ofService = service === null ? [] : await lookAtService(service, AGENT_SERVICE, 'slipway agent install');
  const restart = service === null ? '`slipway agent restart`' : `\`systemctl restart ${AGENT_SERVICE}\``;
  if (found.state === 'stopped') {
    // Of a service that does not run all is said.
    if (ofService.some(({ status }) => status === 'fail')) return { findings: ofService, pid: null };
    const isStarting = service !== null && Number(service['MainPID'] ?? 0) > 0;
    const start = service === null ? '`slipway agent start`, or `slipway agent install`' : restart;
    const finding = isStarting
      ? warn('agent', 'is being started', 'Ask again in a few seconds.')
      : fail('agent', 'does not run: no deployment gets to this host', `Start it: ${start}.`);
    return { findings: [...ofService, finding], pid: null };
  }
  const finding = await lookAtAnswer(ctx, config, found.pid, restart);
  return { findings: [...ofService, finding], pid: found.pid };
}

async function lookAtAnswer(
  { clock }: Pick<CliContext, 'clock'>,
  config: AgentConfig,
  pid: number,
  restart: string,
): Promise<Finding> {
  const status = await askAgent(config);
  if (status !== null) return judgeAnswer(config, status, clock.now(), restart);
  const own = process.getuid?.();
  if (own !== 0 && own !== ownerOf(pid)) {
    return warn('agent', `runs as PID ${pid}; only its user and root may ask it more`, 'Run the doctor as root.');
  }
  if ((ageOf(pid) ?? 0) < STARTING_MS && !isHalted(pid)) {
    return warn('agent', `runs as PID ${pid} for a few seconds and does not answer yet`, 'Ask again in half a minute.');
  }
  const detail = `runs as PID ${pid} and does not answer: it hangs, and takes no deployment`;
  return fail(
    'agent',
    detail,
    remedyOfHang(pid, restart, 'root_dir', 'the next start puts right what was interrupted'),
  );
}

function judgeAnswer(config: AgentConfig, status: AgentStatus, nowMs: number, restart: string): Finding {
  const { pid, lastPoll } = status;
  const trouble = troubleOf(status, nowMs, silenceLimitMs(config));
  if (trouble !== null) {
    const remedy = status.isFull
      ? 'Look with `slipway status` at what runs, and end the scripts that hang.'
      : 'Put right what the findings on endpoint, connection, TLS or credentials name; the agent goes on trying.';
    return fail('agent', `runs as PID ${pid}, but ${trouble}`, remedy);
  }
  if (lastPoll.failures >= MANY_FAILURES) {
    return fail(
      'agent',
      `runs as PID ${pid}, but its last ${lastPoll.failures} polls failed: ${lastPoll.lastError}`,
      'Put right what the findings on endpoint, connection, TLS or credentials name; the agent goes on trying.',
    );
  }
  if (status.identityIsShared) {
    return fail(
      'identity used twice',
      `another agent polls as ${status.hostIdentifier}, too: each deployment gets to only one of the two machines`,
      'Give one of them an identity of its own: `slipway register --force --instance-name NAME` on that machine, then start its agent anew. ' +
        'Take the identity out of the image that both were made from.',
    );
  }
  if (status.version !== packageVersion()) {
    const detail = `runs as PID ${pid}, of version ${status.version}; version ${packageVersion()} is installed`;
    return warn('agent', detail, `Put the installed one to use: ${restart}. What runs now is finished first.`);
  }
  if (pid === 1) {
    const detail = 'runs as PID 1, and answers; what scripts leave behind stays as zombies until the container ends';
    return warn('agent', detail, 'Start the container with an init: `docker run --init`, or tini before the command.');
  }
  return ok('agent', `runs as PID ${pid}, and answers`);
}
