/** Tells a slow client from one that only holds its place. Pure: the caller brings the counts and the time. */
import type { ConnectionLimits } from './limits.ts';

type RateLimits = Pick<ConnectionLimits, 'windowMs' | 'leastBytesPerSecond'>;

/** Bytes that a body has brought, held against a least rate in windows that follow each other. */
export interface Window {
  readonly startedAtMs: number;
  readonly bytesThen: number;
}

/** @returns the window that goes on or follows; null when too little came in the one that is over */
export function nextWindow(window: Window | null, bytes: number, nowMs: number, limits: RateLimits): Window | null {
  if (window === null) return { startedAtMs: nowMs, bytesThen: bytes };
  const tookMs = nowMs - window.startedAtMs;
  if (tookMs < limits.windowMs) return window;
  const least = (tookMs / 1000) * limits.leastBytesPerSecond;
  return bytes - window.bytesThen < least ? null : { startedAtMs: nowMs, bytesThen: bytes };
}

/** How far a reader has got with what the server has for it. */
export interface Reading {
  readonly takenBytes: number;
  readonly sinceMs: number;
}

/**
 * Longest time, in ms, in which a reader may take nothing. Output of one write counts as taken only as a whole, so a slow reader must take
 * a large one within this time.
 */
const MOST_UNREAD_MS = 300_000;

/**
 * @param takenBytes what the system has taken for the reader so far
 * @param waitingBytes what waits to be taken; more than 0
 * @returns what to remember; null when the reader has taken nothing for as long as the waiting bytes need at the least rate
 */
export function nextReading(
  reading: Reading | null,
  takenBytes: number,
  waitingBytes: number,
  nowMs: number,
  limits: RateLimits,
): Reading | null {
  if (reading === null || reading.takenBytes !== takenBytes) return { takenBytes, sinceMs: nowMs };
  const allowedMs = limits.windowMs + (waitingBytes / limits.leastBytesPerSecond) * 1000;
  return nowMs - reading.sinceMs > Math.min(allowedMs, Math.max(MOST_UNREAD_MS, limits.windowMs)) ? null : reading;
}
