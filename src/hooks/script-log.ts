import type { RotatingFile } from '../logging/rotating-file.ts';
import type { Clock } from '../system/clock.ts';
import type { LiveOutput } from './live-output.ts';
import { createLogTail, type LogTail, plainLine } from './output.ts';

/** Where an event's words go: the deployment's scripts.log, the log of all deployments, and the tail for the diagnostics. */
export interface ScriptLog {
  header(text: string): void;
  line(stream: 'stdout' | 'stderr', text: string): void;
  tail(): string;
}

export interface ScriptLogFiles {
  readonly scripts: RotatingFile;
  /** Where `scripts` is, for readers of the log of all deployments. */
  readonly scriptsPath: string;
  /** null: the operator has switched it off. */
  readonly deployments: RotatingFile | null;
}

/** Most that one event puts into the log of all deployments: one script must not push out what the others said. */
export const SHARED_LOG_BYTES = 1024 * 1024;

/**
 * @param live gets the same lines as the deployment's own file; null: nobody watches
 * @see the official agent 2.x, `script_run_log.rs`, for the formats
 */
export function createScriptLog(
  files: ScriptLogFiles,
  deploymentId: string,
  clock: Pick<Clock, 'now'>,
  live: Pick<LiveOutput, 'add'> | null = null,
): ScriptLog {
  const tail: LogTail = createLogTail();
  const write = (text: string) => {
    const now = clock.now();
    tail.add(text);
    const line = `${localTime(now)} ${text}\n`;
    files.scripts.append(line);
    live?.add(line);
    share(`[${localTime(now)}.${String(now % 1000).padStart(3, '0')}] [${deploymentId}]`, text);
  };
  let sharedBytes = 0;
  const share = (head: string, text: string) => {
    if (files.deployments === null || sharedBytes > SHARED_LOG_BYTES) return;
    sharedBytes += Buffer.byteLength(head) + Buffer.byteLength(text) + 1;
    const isOver = sharedBytes > SHARED_LOG_BYTES;
    const rest = `[agent]this event has said more than ${SHARED_LOG_BYTES / 1024} KiB; the rest is in ${files.scriptsPath} only`;
    files.deployments.append(`${head}${isOver ? rest : text}\n`);
  };
  return {
    // It quotes the AppSpec file, which must not be able to write lines of its own.
    header: (text) => write(plainLine(text)),
    line: (stream, text) => write(`[${stream}]${text}`),
    tail: () => tail.text(),
  };
}

/** `2026-01-31 14:05:09` where the host is. */
function localTime(ms: number): string {
  const time = new Date(ms);
  const two = (count: number) => String(count).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}
