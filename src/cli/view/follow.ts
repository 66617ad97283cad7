import { isSlipwayError } from '../../errors.ts';
import { RemoteApiError } from '../../protocol/errors.ts';
import type { ManagementClient } from '../../protocol/management/client.ts';
import type { Clock } from '../../system/clock.ts';
import { printable } from '../../system/printable.ts';
import type { Output } from '../output.ts';
import { CLEAR_LINE, cursorUp } from '../own-text.ts';
import { collectPages } from '../paging.ts';
import { conclusionLines, eventLine, failureLines, isFinal, targetLine, trafficLine } from './deployment.ts';
import { type DeploymentInfo, type TargetRecord, targetRecord } from './records.ts';

/** Fast enough to feel live, slow enough to cost nothing; a deployment of minutes is looked at every two seconds. */
const FIRST_LOOK_MS = 200;
const SLOWEST_LOOK_MS = 2_000;
/** The deployment goes on without anybody who watches: a server that is started again is waited for so long. */
export const AWAY_MS = 60_000;

export interface FollowContext {
  readonly client: ManagementClient;
  readonly clock: Clock;
  readonly stdout: Output;
  readonly interrupted: AbortSignal;
}

export type FollowStyle = 'live' | 'plain' | 'json';

/**
 * Watches a deployment until it is final and tells what happens. A person gets moving lines, a log plain lines, and a program one JSON
 * object a line (`{"type":"event"|"deployment", …}`).
 *
 * @returns the deployment as it ended, or null when the person stopped watching; the deployment itself goes on
 * @throws SlipwayError SERVER_UNREACHABLE when the server does not answer the first look, or does not come back within a minute
 */
export async function followDeployment(
  ctx: FollowContext,
  deploymentId: string,
  style: FollowStyle,
): Promise<DeploymentInfo | null> {
  const show = { live: liveView, plain: plainView, json: jsonView }[style](ctx);
  let answeredAtMs: number | null = null;
  const told = new Set<string>();
  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 1.2, SLOWEST_LOOK_MS)) {
    try {
      const { deploymentInfo, targets } = await look(ctx.client, deploymentId);
      answeredAtMs = ctx.clock.now();
      show.targets(targets);
      if (!isFinal(deploymentInfo?.status)) noteNews(deploymentInfo?.deploymentStatusMessages ?? [], told, show);
      if (isFinal(deploymentInfo?.status)) {
        show.conclusion(deploymentInfo as DeploymentInfo, targets);
        return deploymentInfo as DeploymentInfo;
      }
    } catch (error) {
      const awayMs = answeredAtMs === null ? Number.POSITIVE_INFINITY : ctx.clock.now() - answeredAtMs;
      if (!isAway(error) || awayMs >= AWAY_MS) throw error;
    }
    await ctx.clock.sleep(waitMs, ctx.interrupted);
    if (ctx.interrupted.aborted) return null;
  }
}

/** Shows the waits that the deployment has just come to. */
function noteNews(messages: readonly string[], told: Set<string>, show: View): void {
  for (const message of messages) {
    if (!told.has(message)) show.note(printable(message));
    told.add(message);
  }
}

export function isAway(error: unknown): boolean {
  return isSlipwayError(error, 'SERVER_UNREACHABLE') || (error instanceof RemoteApiError && error.status >= 500);
}

async function look(client: ManagementClient, deploymentId: string) {
  // The deployment first: when it is final, the targets read after it are as they will stay.
  const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
  return { deploymentInfo, targets: await readTargets(client, deploymentId) };
}

export type TargetStatus = 'Pending' | 'InProgress' | 'Succeeded' | 'Failed' | 'Skipped' | 'Unknown' | 'Ready';

/** All targets of a deployment, or those in one of these states; none while the server has not resolved them yet. */
export async function readTargets(
  client: ManagementClient,
  deploymentId: string,
  statuses: readonly TargetStatus[] = [],
): Promise<TargetRecord[]> {
  const filters = statuses.length === 0 ? {} : { targetFilters: { TargetStatus: [...statuses] } };
  try {
    const ids = await collectPages(
      (nextToken) =>
        client.call('ListDeploymentTargets', {
          deploymentId,
          ...filters,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      (page) => page.targetIds,
    );
    const targets: TargetRecord[] = [];
    for (let first = 0; first < ids.length; first += TARGETS_PER_CALL) {
      const targetIds = ids.slice(first, first + TARGETS_PER_CALL);
      const { deploymentTargets } = await client.call('BatchGetDeploymentTargets', { deploymentId, targetIds });
      targets.push(...(deploymentTargets ?? []).map(targetRecord));
    }
    return targets;
  } catch (error) {
    if (error instanceof RemoteApiError && error.type === 'DeploymentNotStartedException') return [];
    throw error;
  }
}

/** The API takes no more ids than this in one BatchGetDeploymentTargets. */
const TARGETS_PER_CALL = 25;

interface View {
  targets(targets: readonly TargetRecord[]): void;
  /** A line in between. */
  note(text: string): void;
  conclusion(deployment: DeploymentInfo, targets: readonly TargetRecord[]): void;
}

/** One line per target, redrawn in place. */
function liveView({ stdout, clock }: FollowContext): View {
  let drawnLines = 0;
  const draw = (targets: readonly TargetRecord[]) => {
    const width = Math.max(0, ...targets.map((target) => target.targetId.length));
    // A wrapped line would break the count of lines to go up, so each is cut at the terminal's edge.
    const lines = targets.map((target) => targetLine(target, clock.now(), width).slice(0, stdout.columns - 1));
    stdout.writeOwn(cursorUp(drawnLines));
    for (const line of lines) {
      stdout.writeOwn(CLEAR_LINE);
      stdout.write(`${line}\n`);
    }
    drawnLines = lines.length;
  };
  return {
    targets: draw,
    note(text) {
      stdout.write(`${text}\n`);
      drawnLines = 0;
    },
    conclusion(deployment, targets) {
      for (const target of targets) {
        for (const event of target.lifecycleEvents) {
          const lines = failureLines(event);
          if (lines.length > 0)
            stdout.writeLines([`${printable(target.targetId)}  ${printable(event.lifecycleEventName)}`, ...lines]);
        }
      }
      stdout.writeLines(conclusionLines(deployment));
    },
  };
}

/** One line per event, each time its status changes. */
function plainView({ stdout }: FollowContext): View {
  const report = changeReporter((target, event) => {
    const line = eventLine(target, event);
    if (line !== null) stdout.writeLines([line, ...failureLines(event)]);
  });
  const told = new Map<string, string>();
  return {
    targets(targets) {
      report(targets);
      for (const target of targets) {
        const line = trafficLine(target);
        if (line === null || told.get(target.targetId) === line) continue;
        told.set(target.targetId, line);
        stdout.writeLines([line]);
      }
    },
    note: (text) => stdout.write(`${text}\n`),
    conclusion: (deployment) => stdout.writeLines(conclusionLines(deployment)),
  };
}

function jsonView({ stdout }: FollowContext): View {
  const report = changeReporter((target, event) => {
    stdout.write(`${JSON.stringify({ type: 'event', targetId: target.targetId, ...event })}\n`);
  });
  return {
    targets: report,
    note: (message) => stdout.write(`${JSON.stringify({ type: 'status', message })}\n`),
    conclusion: (deployment) => stdout.write(`${JSON.stringify({ type: 'deployment', ...deployment })}\n`),
  };
}

function changeReporter(
  tell: (target: TargetRecord, event: TargetRecord['lifecycleEvents'][number]) => void,
): (targets: readonly TargetRecord[]) => void {
  const told = new Map<string, string>();
  return (targets) => {
    for (const target of targets) {
      for (const event of target.lifecycleEvents) {
        const key = `${target.targetId}\n${event.lifecycleEventName}`;
        if ((told.get(key) ?? 'Pending') === event.status) continue;
        told.set(key, event.status);
        tell(target, event);
      }
    }
  };
}
