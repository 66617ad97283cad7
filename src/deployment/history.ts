/**
 * Deployments to a deployment group on this host, newest last, from which a rollback without a server chooses. One file a group, kept
 * short; a file that cannot be read counts as empty, because nothing that runs depends on it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandOutcome } from '../protocol/diagnostics.ts';
import type { DeploymentSpecification, Revision } from '../protocol/specification.ts';
import { writeFileDurably } from '../system/durable-file.ts';
import { archiveDirOf, deploymentPaths } from './layout.ts';

export interface HistoryEntry {
  readonly deploymentId: string;
  readonly applicationName: string;
  readonly deploymentGroupName: string;
  readonly appSpecFilename: string;
  readonly revision: Revision;
  readonly installedAtMs: number;
  /** The event that failed after the Install; null: none, as far as this host has heard. */
  readonly failedEvent: string | null;
  /**
   * Event of the next deployment, usually ApplicationStop, that ran this revision's scripts and failed. Installed once more, the revision
   * may hold up the deployment after it again. Null: none, as far as this host has heard. Entries of older versions have no such member.
   */
  readonly failedStop?: string | null;
}

const KEPT = 50;

/** @returns entries from the oldest to the newest */
export function readHistory(rootDir: string, deploymentGroupId: string): readonly HistoryEntry[] {
  try {
    const entries: unknown = JSON.parse(readFileSync(historyFile(rootDir, deploymentGroupId), 'utf8'));
    return Array.isArray(entries) ? entries.filter(isEntry) : [];
  } catch {
    return [];
  }
}

function isEntry(entry: unknown): entry is HistoryEntry {
  return typeof entry === 'object' && entry !== null && 'deploymentId' in entry;
}

/** Ids of the groups that something was installed for. */
export function groupsWithHistory(rootDir: string): readonly string[] {
  const folder = historyDir(rootDir);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => (name.endsWith('.json') ? name.slice(0, -'.json'.length) : []));
}

/** Whether the revision that an entry speaks of is still on this host. */
export function isOnHost(rootDir: string, deploymentGroupId: string, { deploymentId }: HistoryEntry): boolean {
  return existsSync(archiveDirOf(deploymentPaths(rootDir, deploymentGroupId, deploymentId).deploymentDir));
}

/** Notes an Install that went well, and an event behind it that did not. */
export function noteOutcome(
  rootDir: string,
  event: string,
  specification: DeploymentSpecification,
  outcome: CommandOutcome,
  nowMs: number,
): void {
  const { deploymentGroupId, deploymentId } = specification;
  const before = readHistory(rootDir, deploymentGroupId);
  if (event === 'Install' && outcome.status === 'Succeeded') {
    const { applicationName, deploymentGroupName, appSpecFilename, revision } = specification;
    const names = { deploymentId, applicationName, deploymentGroupName, appSpecFilename };
    const entry: HistoryEntry = { ...names, revision, installedAtMs: nowMs, failedEvent: null };
    const others = before.filter((other) => other.deploymentId !== deploymentId);
    write(rootDir, deploymentGroupId, [...others, entry].slice(-KEPT));
  } else if (outcome.status === 'Failed' && before.some((entry) => entry.deploymentId === deploymentId)) {
    const marked = before.map((entry) =>
      entry.deploymentId === deploymentId ? { ...entry, failedEvent: event } : entry,
    );
    write(rootDir, deploymentGroupId, marked);
  }
}

/** Notes how scripts of a revision that was to be replaced have ended. */
export function noteOldScripts(
  rootDir: string,
  deploymentGroupId: string,
  oldDeploymentId: string,
  event: string,
  status: CommandOutcome['status'],
): void {
  const before = readHistory(rootDir, deploymentGroupId);
  const failedStop = status === 'Failed' ? event : null;
  // Another event that goes well says nothing of the one that did not.
  const isNews = ({ failedStop: noted = null }: HistoryEntry) =>
    status === 'Failed' ? noted !== event : noted === event;
  if (!before.some((entry) => entry.deploymentId === oldDeploymentId && isNews(entry))) return;
  const marked = before.map((entry) => (entry.deploymentId === oldDeploymentId ? { ...entry, failedStop } : entry));
  write(rootDir, deploymentGroupId, marked);
}

function write(rootDir: string, deploymentGroupId: string, entries: readonly HistoryEntry[]): void {
  mkdirSync(historyDir(rootDir), { recursive: true, mode: 0o755 });
  writeFileDurably(historyFile(rootDir, deploymentGroupId), JSON.stringify(entries));
}

function historyDir(rootDir: string): string {
  return join(rootDir, '.slipway', 'history');
}

function historyFile(rootDir: string, deploymentGroupId: string): string {
  return join(historyDir(rootDir), `${deploymentGroupId}.json`);
}
