/** How often the rows of a topic are looked at. Pure. */

/** Twice a second: half of what a page may be told. */
const SHORTEST_MS = 500;
/** A page is never told later than this. */
const LONGEST_MS = 15_000;
/** For each millisecond of looking. A look at a deployment to 1000 hosts takes some ten, in which the embedded database does nothing else. */
const PAUSE_PER_LOOK = 9;

/**
 * All looks together take about a tenth of the time, however many topics and rows there are, until pages would be told too late.
 *
 * @param tookMs of the last look
 * @param topics that are looked at now
 * @returns the pause before the next look; milliseconds
 */
export function pauseAfterLook(tookMs: number, topics: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, tookMs * PAUSE_PER_LOOK * topics));
}
