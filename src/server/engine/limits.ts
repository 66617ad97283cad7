/** How long a deployment waits for what. Pure. */

const MINUTE_MS = 60_000;
/** A host that has not begun an event by then is taken to be gone. */
export const EVENT_START_LIMIT_MS = 5 * MINUTE_MS;
/**
 * A host that runs an event and is not heard of for so long is lost. Agents poll while they work: a poll is held for less than a minute,
 * and a failed one is made again within two. The time is noted to half a minute. It is also what the service calls too long for a reboot.
 */
export const SILENCE_LIMIT_MS = 5 * MINUTE_MS;
/** Limit on an event, with a moment for its report to arrive. */
export const EVENT_LIMIT_MS = 60 * MINUTE_MS + MINUTE_MS;
/**
 * After a stop, what the server itself does with a host's traffic is given up by then. It has been told to lead the host back, or to wait no longer,
 * within `STOP_PATIENCE_MS`; the rest is for a balancer that lets a call hang, and for a server that is gone.
 */
export const STOPPED_TRAFFIC_LIMIT_MS = MINUTE_MS;
/** How long the server tries, after a stop, to know that a host takes its traffic. */
export const STOP_PATIENCE_MS = 15_000;
export const DEPLOYMENT_LIMIT_MS = 12 * 60 * MINUTE_MS;
/** The longest wait for ContinueDeployment, and before the original hosts are terminated. */
export const LONGEST_WAIT_MS = 48 * 60 * MINUTE_MS;
/** Limit on a blue/green deployment: both waits, and an hour for each of its 13 events. */
export const BLUE_GREEN_LIMIT_MS = 2 * LONGEST_WAIT_MS + 13 * 60 * MINUTE_MS;

/** Limit on a deployment that moves traffic: the longest schedule, and an hour for each of two hooks. */
export const SHIFT_LIMIT_MS = LONGEST_WAIT_MS + 2 * 60 * MINUTE_MS;
/** The same for a service: also the wait for ContinueDeployment, and an hour for each of five more events. The wait before the end comes after it. */
export const SERVICE_SHIFT_LIMIT_MS = SHIFT_LIMIT_MS + LONGEST_WAIT_MS + 5 * 60 * MINUTE_MS;
/** A hook that has not answered by then has failed, as in the hosted service. */
export const HOOK_LIMIT_MS = 60 * MINUTE_MS;

/**
 * A command that was taken and not acknowledged is handed out again: the answer to the poll was lost. An agent acknowledges within seconds,
 * as soon as it has read the specification. So there is time for one more try before the event's own limit of five minutes.
 */
export const REDELIVERY_MS = 2 * 60_000;
