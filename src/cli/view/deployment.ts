/**
 * A deployment in words: what `slipway deploy` and `slipway deployments show` print. Pure: values in, lines out.
 */
import { plainLine } from '../../hooks/output.ts';
import type { WaitRecord } from '../../protocol/management/shapes.ts';
import { printable } from '../../system/printable.ts';
import type { DeploymentInfo, LifecycleEvent, TargetRecord } from './records.ts';
import { renderDuration, renderTime } from './time.ts';

/** One target at one glance: `web-1  InProgress  Install  [####...]  4/7  2.1s`. */
export function targetLine(target: TargetRecord, nowMs: number, nameWidth: number): string {
  const events = target.lifecycleEvents;
  const done = events.filter((event) => isOver(event.status)).length;
  const elapsed = elapsedMs(events, nowMs);
  return [
    printable(target.targetId).padEnd(nameWidth),
    ...(target.instanceLabel === undefined ? [] : [printable(target.instanceLabel).padEnd(5)]),
    printable(target.status).padEnd(10),
    printable(currentEvent(events)).padEnd(16),
    progressBar(done, events.length),
    `${done}/${events.length}`,
    elapsed === null ? '' : renderDuration(elapsed),
    ...(target.traffic === undefined ? [] : [printable(target.traffic)]),
  ]
    .join('  ')
    .trimEnd();
}

/** A line for an event that changed since it was last looked at; null for one that has not begun. */
export function eventLine(target: TargetRecord, event: LifecycleEvent): string | null {
  if (event.status === 'Pending') return null;
  const duration =
    event.startTime !== undefined && event.endTime !== undefined
      ? `  ${renderDuration((event.endTime - event.startTime) * 1000)}`
      : '';
  return `${printable(target.targetId)}  ${printable(event.lifecycleEventName).padEnd(16)}  ${printable(event.status)}${duration}`;
}

/** How the traffic of a function or a service is divided now; null: it is a host. */
export function trafficLine({ targetId, traffic }: TargetRecord): string | null {
  return traffic === undefined ? null : `${printable(targetId)}  traffic: ${printable(traffic)}`;
}

/** Why an event failed: script, message, and the tail of its log, indented under the event's line. */
export function failureLines(event: LifecycleEvent): string[] {
  const diagnostics = event.diagnostics;
  if (event.status !== 'Failed' || diagnostics === undefined) return [];
  const lines = [`    ${labelled(diagnostics.errorCode, diagnostics.message)}`];
  if (diagnostics.scriptName) lines.push(`    script: ${diagnostics.scriptName}`);
  for (const line of (diagnostics.logTail ?? '').split('\n')) if (line !== '') lines.push(`    | ${line}`);
  // The words are a script's, and come from whichever agent there is: they must not move the reader's cursor or colour their terminal.
  return lines.flatMap(readable);
}

/** The API calls a fault UnknownError where its list of codes has none for it; the message says more then. */
function labelled(code: string | undefined, message: string | undefined): string {
  if (message === undefined || message === '') return code ?? 'UnknownError';
  return code === undefined || code === 'UnknownError' ? message : `${code}: ${message}`;
}

/** The last line about a deployment: its status, how long it took, and why it failed. */
export function conclusionLines(deployment: DeploymentInfo): string[] {
  const took =
    deployment.completeTime === undefined || deployment.createTime === undefined
      ? ''
      : ` after ${renderDuration((deployment.completeTime - deployment.createTime) * 1000)}`;
  const lines = [`${deployment.deploymentId}: ${deployment.status}${took}`];
  if (deployment.errorInformation !== undefined) {
    lines.push(`  ${deployment.errorInformation.code}: ${deployment.errorInformation.message}`);
  }
  for (const message of deployment.deploymentStatusMessages ?? []) lines.push(`  ${message}`);
  if (deployment.rollbackInfo?.rollbackDeploymentId !== undefined) {
    lines.push(`  rolled back by ${deployment.rollbackInfo.rollbackDeploymentId}`);
  }
  return lines.flatMap(readable);
}

/** A text that goes on behind a stranger's line break is marked, so that it does not look like a line of ours. */
function readable(line: string): string[] {
  const [first = '', ...rest] = line.split(/\r?\n/).map((part) => printable(plainLine(part)));
  return [first, ...rest.map((part) => `      | ${part}`)];
}

/** Writes the present waits and their limits, a line for each event. */
export function waitLines(waits: readonly WaitRecord[]): string[] {
  return waits
    .flatMap(({ targetId, lifecycleEventName, reason, sinceTime, heardOfTime, giveUpTime, lastCall, lastAnswer }) => {
      const what = `waiting for ${targetId}: ${lifecycleEventName}`;
      const until = `is given up at ${renderTime(giveUpTime)} UTC`;
      if (reason === 'not-started') return `${what}, not begun since ${renderTime(sinceTime)}; ${until}`;
      const heard = `running since ${renderTime(sinceTime)}, last heard of ${renderTime(heardOfTime)}`;
      if (reason === 'silence') return `${what}, ${heard}; ${until} unless it is heard of`;
      const call =
        lastCall === undefined ? [] : `  the last call was: ${lastCall}; the answer: ${lastAnswer ?? 'none'}`;
      return [`${what}, ${heard}; ${until}`].concat(call);
    })
    .flatMap(readable);
}

export function isFinal(status: string | undefined): boolean {
  return status === 'Succeeded' || status === 'Failed' || status === 'Stopped';
}

function isOver(status: string): boolean {
  return status === 'Succeeded' || status === 'Failed' || status === 'Skipped';
}

function currentEvent(events: readonly LifecycleEvent[]): string {
  const event =
    events.find((candidate) => candidate.status === 'Failed') ??
    events.find((candidate) => candidate.status === 'InProgress') ??
    events.find((candidate) => candidate.status === 'Pending') ??
    events.at(-1);
  return event?.lifecycleEventName ?? '';
}

function elapsedMs(events: readonly LifecycleEvent[], nowMs: number): number | null {
  const starts = events.flatMap((event) => event.startTime ?? []);
  if (starts.length === 0) return null;
  const running = events.some((event) => event.status === 'InProgress' || event.status === 'Pending');
  const ends = events.flatMap((event) => event.endTime ?? []);
  const endMs = running || ends.length === 0 ? nowMs : Math.max(...ends) * 1000;
  return endMs - Math.min(...starts) * 1000;
}

function progressBar(done: number, total: number): string {
  const width = 10;
  const filled = total === 0 ? 0 : Math.round((done / total) * width);
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}]`;
}
