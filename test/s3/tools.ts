/** S3 tools of Debian at their usual work against a server. */
import { messageOf } from '../../src/errors.ts';
import { AWS_CLI } from './aws-cli.ts';
import { RCLONE } from './rclone.ts';
import { S3CMD } from './s3cmd.ts';
import type { Tool, ToolGround } from './tool.ts';

export const TOOLS: readonly Tool[] = [AWS_CLI, RCLONE, S3CMD];

/** Length that is kept of a failing tool's words; characters. */
const MAX_WORDS = 800;

export interface StepReport {
  readonly step: string;
  /** Fault; null: none. */
  readonly why: string | null;
  readonly tookMs: number;
}

/** Lets a tool take its steps one after the other; the rest is left out after one that went wrong. */
export async function* tryTool(tool: Tool, ground: ToolGround): AsyncGenerator<StepReport> {
  for (const { name, run } of tool.steps(ground)) {
    const startedMs = performance.now();
    const why = await run().then(
      () => null,
      (error: unknown) => messageOf(error).slice(0, MAX_WORDS),
    );
    yield { step: name, why, tookMs: Math.round(performance.now() - startedMs) };
    if (why !== null) return;
  }
}
