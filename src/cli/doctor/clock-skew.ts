/** How far this machine's clock may be from another one. Pure. */
import { type Finding, fail, ok, warn } from './check.ts';

/** Signatures are refused beyond five minutes; a clock that is off by one will be there soon. */
const SKEW_MS = 60_000;
const REFUSED_SKEW_MS = 5 * 60_000;
export const CLOCK_REMEDY =
  'Let NTP set the clock (`timedatectl set-ntp true`): signatures are refused beyond five minutes.';

/** @param aheadMs how far this machine's clock is ahead; negative: behind @param whose such as `the endpoint’s` */
export function judgeSkew(aheadMs: number, whose: string): Finding {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  if (Math.abs(aheadMs) <= SKEW_MS) return ok('clock', `differs from ${whose} by ${seconds} s`);
  const detail = `is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ${whose}`;
  return (Math.abs(aheadMs) > REFUSED_SKEW_MS ? fail : warn)('clock', detail, CLOCK_REMEDY);
}
