/** Fate of a host's traffic when its deployment is stopped while the host leaves its load balancers, or comes back to them. Pure. */
import { STOP_PATIENCE_MS } from '../engine/limits.ts';
import type { Progress } from './order.ts';
import { nextLookMs, said, type TrafficLook, type TrafficMemory } from './traffic-progress.ts';

/**
 * A host that was leaving is led back to where it left. That ends the event as Failed: what it was for has not happened.
 *
 * @param looks of the balancers that had begun to take it out; each was asked to take it back
 * @param stoppedForMs since when the deployment is stopped
 */
export function backProgress(looks: readonly TrafficLook[], memory: TrafficMemory, stoppedForMs: number): Progress {
  if (looks.length === 0) {
    const message = 'The deployment was stopped before the host was taken out of its load balancers.';
    return { memory, lastCall: null, lastAnswer: null, ending: 'Failed', message };
  }
  const missing = looks.filter(({ result }) => !('state' in result && TAKEN_BACK.includes(result.state)));
  const telling = missing[0] ?? looks[0];
  const standing = {
    memory,
    lastCall: telling === undefined ? null : `${telling.name}: ${telling.call}`,
    lastAnswer: telling?.answer ?? null,
  };
  if (missing.length > 0 && stoppedForMs < STOP_PATIENCE_MS) {
    return { ...standing, ending: 'later', inMs: nextLookMs(0, 0) };
  }
  const how = missing.length === 0 ? 'It was led back.' : 'It could not be led back in time, and may still be out.';
  const calls = (missing.length === 0 ? looks : missing).map(said).join('\n');
  const message = `The deployment was stopped while the host left its load balancers. ${how} ${calls}`;
  return { ...standing, ending: 'Failed', message };
}

/** It has been told to take the host; its checks need not be waited for, as the host has served until now. */
const TAKEN_BACK: readonly string[] = ['joining', 'healthy'];

/** A host that comes back has been told to; a stopped deployment does not wait until it is known to be healthy. */
export function shortened(progress: Progress, stoppedForMs: number): Progress {
  if (progress.ending !== 'later') return progress;
  const { memory, lastCall, lastAnswer } = progress;
  if (stoppedForMs < STOP_PATIENCE_MS) return { ...progress, inMs: Math.min(progress.inMs, 1_000) };
  const last = lastCall === null ? '' : ` The last call was: ${lastCall}. The answer: ${lastAnswer}.`;
  const message = `The deployment was stopped before the host was known to take its traffic.${last}`;
  return { memory, lastCall, lastAnswer, ending: 'Failed', message };
}
