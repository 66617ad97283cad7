/** Output of a deployment's scripts, from the server. With `follow` it goes on until the deployment has ended. */
import { SlipwayError } from '../errors.ts';
import type { ManagementClient } from '../protocol/management/client.ts';
import type { EventLogRecord } from '../protocol/management/shapes.ts';
import { shellCommand } from '../system/shell-word.ts';
import type { ShowOptions } from './agent-logs.ts';
import type { Connection } from './connection.ts';
import type { CliContext } from './context.ts';
import { collectPages } from './paging.ts';
import { isFinal } from './view/deployment.ts';
import { AWAY_MS, isAway } from './view/follow.ts';

export interface ServerLogsOptions extends ShowOptions {
  readonly host?: string;
  readonly event?: string;
}

const LOOK_MS = 500;
/** Hosts send the last of their output after they have reported: a moment, unless the server was down. */
const LAST_OUTPUT_MS = 2_000;
/** Parts of a log that are read at once: more than a server keeps of it. */
const MOST_PARTS = 64;
/** Servers of one database may not agree about the time to the millisecond. */
const OVERLAP_SECONDS = 5;

/** @throws SlipwayError CLI_NO_LOGS when there is nothing, and nothing is waited for */
export async function showServerLogs(
  ctx: CliContext,
  { client }: Connection,
  deploymentId: string,
  options: ServerLogsOptions,
): Promise<void> {
  const { clock, interrupted } = ctx;
  const reader = createReader(ctx, client, deploymentId, options);
  if (options.follow !== true) {
    await reader.showNew();
    reader.end();
    if (reader.isEmpty()) throw nothing(deploymentId, options);
    return;
  }
  let answeredAtMs: number | null = null;
  let endedAtMs: number | null = null;
  while (!interrupted.aborted) {
    try {
      // The deployment first: what was written before its end is then looked for.
      const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
      const hasNews = await reader.showNew();
      answeredAtMs = clock.now();
      if (!isFinal(deploymentInfo?.status) || hasNews) endedAtMs = null;
      if (isFinal(deploymentInfo?.status)) endedAtMs ??= answeredAtMs;
      if (endedAtMs !== null && answeredAtMs - endedAtMs >= LAST_OUTPUT_MS) break;
    } catch (error) {
      if (answeredAtMs === null || !isAway(error) || clock.now() - answeredAtMs >= AWAY_MS) throw error;
    }
    await clock.sleep(LOOK_MS, interrupted);
  }
  reader.end();
  if (reader.isEmpty() && !interrupted.aborted) throw nothing(deploymentId, options);
}

interface Reader {
  /** Shows what has come since the last call. @returns whether anything has */
  showNew(): Promise<boolean>;
  end(): void;
  isEmpty(): boolean;
}

function createReader(
  ctx: CliContext,
  client: ManagementClient,
  deploymentId: string,
  options: ServerLogsOptions,
): Reader {
  const filter = {
    deploymentId,
    ...(options.host === undefined ? {} : { targetId: options.host }),
    ...(options.event === undefined ? {} : { lifecycleEventName: options.event }),
  };
  const positions = new Map<string, number>();
  const lines = lineView(ctx, options);
  let writtenSince = 0;

  const showLog = async (log: EventLogRecord) => {
    const name = `${log.targetId} ${log.lifecycleEventName}`;
    const { targetId, lifecycleEventName } = log;
    const known = positions.get(name);
    let position = known ?? 0;
    const texts: string[] = [];
    for (let parts = 0; parts < MOST_PARTS; parts += 1) {
      const part = await client.call('GetEventLog', {
        deploymentId,
        targetId,
        lifecycleEventName,
        firstByte: position,
      });
      if (part.text === '' || part.nextByte <= position) break;
      if (part.firstByte > position) texts.push(`[${part.firstByte - position} bytes of the output are not kept]\n`);
      texts.push(part.text);
      position = part.nextByte;
    }
    positions.set(name, position);
    const text = texts.join('');
    lines.show(log, known === undefined ? lastLines(text, options.lines) : text);
  };
  return {
    async showNew() {
      const logs = await collectPages(
        (nextToken) =>
          client.call('ListEventLogs', { ...filter, writtenSince, ...(nextToken === undefined ? {} : { nextToken }) }),
        (page) => page.logs,
      );
      const fresh = logs.filter(
        (log) => (positions.get(`${log.targetId} ${log.lifecycleEventName}`) ?? -1) < log.endByte,
      );
      for (const log of fresh) await showLog(log);
      const newest = Math.max(0, ...logs.map(({ lastWriteTime }) => lastWriteTime));
      if (newest > 0) writtenSince = Math.max(0, newest - OVERLAP_SECONDS);
      return fresh.length > 0;
    },
    end: lines.end,
    isEmpty: () => positions.size === 0,
  };
}

/** Shows lines with what has written them before each: a line of a stranger must not begin as one of ours. */
function lineView({ stdout }: Pick<CliContext, 'stdout'>, { json }: ServerLogsOptions) {
  /** Lines whose ends have not come yet, by their logs. */
  const begun = new Map<string, { readonly log: EventLogRecord; readonly text: string }>();
  const print = ({ targetId: host, lifecycleEventName: event }: EventLogRecord, line: string) =>
    stdout.writeLines([json === true ? JSON.stringify({ host, event, line }) : `${host} ${event} | ${line}`]);
  return {
    show(log: EventLogRecord, text: string) {
      const name = `${log.targetId} ${log.lifecycleEventName}`;
      const lines = `${begun.get(name)?.text ?? ''}${text}`.split('\n');
      begun.set(name, { log, text: lines.pop() ?? '' });
      for (const line of lines) print(log, line);
    },
    end() {
      for (const { log, text } of begun.values()) if (text !== '') print(log, text);
      begun.clear();
    },
  };
}

function lastLines(text: string, count: number): string {
  const isWhole = text.endsWith('\n');
  const lines = (isWhole ? text.slice(0, -1) : text).split('\n');
  if (lines.length <= count) return text;
  if (count === 0) return '';
  return `${lines.slice(-count).join('\n')}${isWhole ? '\n' : ''}`;
}

function nothing(deploymentId: string, { host, event }: ServerLogsOptions): SlipwayError {
  const of = [event === undefined ? '' : ` in ${event}`, host === undefined ? '' : ` on ${host}`].join('');
  return new SlipwayError('CLI_NO_LOGS', `the server has no output of a script of ${deploymentId}${of}`, {
    remedy:
      `No script has run there, or its output was deleted, or live logs are off (--live-logs of the server, live_logs of the agent). ` +
      `${shellCommand('slipway', 'deployments', 'show', deploymentId)} shows the last lines of each event that has ended. The host itself has all of them.`,
  });
}
