/** Checks for traffic that is left divided with no deployment that moves it. */
import { dividedTraffic } from '../../../server/engine/shifting/divided.ts';
import { lastShifts } from '../../../server/store/divided-traffic.ts';
import type { LookedAtStore } from '../../../server/store/look.ts';
import { printable } from '../../../system/printable.ts';
import { renderTime } from '../../view/time.ts';
import { type Finding, warn } from '../check.ts';

/** @returns nothing where all traffic goes to one version: most servers move none */
export async function lookAtTraffic({ db }: Pick<LookedAtStore, 'db'>): Promise<Finding[]> {
  return (await lastShifts(db)).flatMap(({ deploymentId, detailsJson, seenAtMs }) => {
    const divided = dividedTraffic(JSON.parse(detailsJson) as object);
    if (divided === null) return [];
    const since = `as the server saw it at ${renderTime(seenAtMs / 1000)} UTC; no deployment moves it, the last one was ${deploymentId}`;
    return warn('traffic', printable(`${divided.words} (${since})`), printable(divided.remedy));
  });
}
