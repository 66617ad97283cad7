/** Marks of hosts that deployments do not get to. Pure. */
import { type AgentStatus, troubleOf } from '../../agent/status.ts';
import type { HostRecord } from '../../protocol/management/shapes.ts';
import { SILENT_MS } from '../../protocol/management/silence.ts';

export type HostMark = 'NOT UPDATED' | 'KEY DISABLED' | 'IDENTITY USED TWICE' | 'SILENT';

/** @param lastPolledAtMs null: it never has */
export function isSilentHost(lastPolledAtMs: number | null, nowMs: number): boolean {
  return lastPolledAtMs === null || nowMs - lastPolledAtMs > SILENT_MS;
}

/** Returns the marks of a registered host; a deregistered one has none, because nobody expects anything of it. */
export function marksOf(host: HostRecord, nowMs: number): HostMark[] {
  if (!host.registered) return [];
  const lastPolledAtMs = host.lastPollTime === undefined ? null : host.lastPollTime * 1000;
  return [
    ...(host.keysDisabled === true ? (['KEY DISABLED'] as const) : []),
    ...(host.identityIsShared === true ? (['IDENTITY USED TWICE'] as const) : []),
    ...(host.updatesGivenUp === undefined ? [] : (['NOT UPDATED'] as const)),
    ...(isSilentHost(lastPolledAtMs, nowMs) ? (['SILENT'] as const) : []),
  ];
}

export interface ShownMark {
  readonly mark: HostMark;
  /** Meaning of the mark here, or the remedy. */
  readonly why: string;
}

/**
 * Those of the agent of this machine, as it says of itself.
 *
 * @param silentMs how long without an answered poll is too long
 */
export function marksOfAgent(status: AgentStatus, nowMs: number, silentMs: number): ShownMark[] {
  const { lastPoll, identityIsShared } = status;
  const marks: ShownMark[] = [];
  const trouble = troubleOf(status, nowMs, silentMs);
  if (trouble !== null) marks.push({ mark: 'SILENT', why: trouble });
  if (lastPoll.failures > 0 && /\bkey was disabled\b/.test(lastPoll.lastError ?? '')) {
    marks.push({ mark: 'KEY DISABLED', why: '`slipway register --force` gives the host another one' });
  }
  if (identityIsShared) {
    marks.push({
      mark: 'IDENTITY USED TWICE',
      why: 'another agent polls with it, too; `slipway doctor` says what to do',
    });
  }
  return marks;
}
