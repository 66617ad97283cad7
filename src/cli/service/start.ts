/** Starts a service of systemd and watches how it comes up. */
import { execa } from 'execa';
import { SlipwayError } from '../../errors.ts';
import type { Clock } from '../../system/clock.ts';
import { lastWords, type Properties, showService } from './properties.ts';
import { runForService } from './run.ts';

/** A server is ready within a second, an agent after its first poll, which a slow network may delay. */
const WATCH_MS = 30_000;
const LOOK_AGAIN_MS = 200;

export type StartState =
  | { readonly state: 'ready'; readonly pid: number }
  /** The service runs and has not said yet that it is ready. */
  | { readonly state: 'starting'; readonly pid: number }
  | { readonly state: 'failed'; readonly why: string };

/** How a service stands that was started a moment ago. Pure. */
export function startStateOf(properties: Properties): StartState {
  const pid = Number(properties['MainPID'] ?? 0);
  const { ActiveState, SubState } = properties;
  if (ActiveState === 'active' && SubState === 'running') return { state: 'ready', pid };
  const hasEnded = ActiveState === 'failed' || SubState === 'auto-restart' || SubState === 'auto-restart-queued';
  if (!hasEnded && ActiveState !== 'inactive') return { state: 'starting', pid };
  const { Result = 'unknown', ExecMainStatus = '' } = properties;
  const status = ExecMainStatus === '' || ExecMainStatus === '0' ? '' : `, exit status ${ExecMainStatus}`;
  return { state: 'failed', why: `${Result}${status}` };
}

export interface StartContext {
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
}

/**
 * Starts the service, or starts it anew, and waits until it is ready, has ended, or half a minute is over.
 *
 * @returns `ready`, or `starting` when that is how it still stands
 * @throws SlipwayError CLI_SERVICE_FAILED with the last words of its journal
 */
export async function startService(
  ctx: StartContext,
  name: string,
): Promise<Exclude<StartState, { readonly state: 'failed' }>> {
  const since = Math.floor(ctx.clock.now() / 1000);
  // A service that runs already is to run the program that was just put in place.
  await execa('systemctl', ['reset-failed', name], { reject: false, stdin: 'ignore' });
  await runForService('systemctl', ['restart', '--no-block', name]);
  const giveUpAtMs = ctx.clock.now() + WATCH_MS;
  for (;;) {
    await ctx.clock.sleep(LOOK_AGAIN_MS, ctx.interrupted);
    const seen = startStateOf(await showService(name));
    if (seen.state === 'failed') {
      const words = await lastWords(name, since);
      throw new SlipwayError('CLI_SERVICE_FAILED', `${name} has ended (${seen.why})`, {
        details: words === '' ? [] : words.split('\n'),
        remedy: `Correct what it names, then run the command again. \`journalctl -u ${name}\` has all that it said.`,
      });
    }
    if (seen.state === 'ready' || ctx.interrupted.aborted || ctx.clock.now() >= giveUpAtMs) return seen;
  }
}
