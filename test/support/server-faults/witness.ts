/** Observations of hosts about deployments, and what must never be among them. Pure, but for the clock that is passed in. */

/** Something that a host did or heard, as a step in time that faults can be aimed at. */
export interface Report {
  readonly deploymentId: string;
  readonly host: string;
  readonly event: string;
  readonly status: 'Succeeded' | 'Failed';
}

export interface Witness {
  /** A host was given a command of a deployment: from now on it is out of service. */
  received(host: string, deploymentId: string): void;
  /** A host begins what a command says. */
  ran(host: string, deploymentId: string, event: string, atMs?: number): void;
  /** A host has done all that the deployment wants of it, and is about to say so. */
  done(host: string, deploymentId: string, atMs?: number): void;
  /** The server has answered a report with success: it counts from now on. */
  answered(report: Report): void;
  /** Something that must not happen, in words. */
  complain(problem: string): void;
  /** Resolves when hosts have noted so many more steps. */
  afterSteps(steps: number): Promise<void>;
  /** Reports of a deployment that the server has answered. */
  reportsOf(deploymentId: string): readonly Report[];
  /** Events of a deployment that a host has run more than once. */
  ranTwice(deploymentId: string): readonly string[];
  /** Whether a host has begun an event of a deployment. */
  hasRun(host: string, deploymentId: string, event: string): boolean;
  /** The most hosts that a deployment had out of service at one instant: under way, or left by a failure. */
  mostDown(deploymentId: string): number;
  problems(): readonly string[];
}

export interface Change {
  readonly atMs: number;
  readonly host: string;
  readonly isDown: boolean;
}

/** @param nowMs milliseconds since the epoch, finer than whole ones */
export function createWitness(nowMs: () => number): Witness {
  const changes = new Map<string, Change[]>();
  const runs = new Map<string, Map<string, number>>();
  const reports = new Map<string, Report[]>();
  const problems: string[] = [];
  let steps = 0;
  let waiting: { readonly at: number; readonly resolve: () => void }[] = [];
  const step = () => {
    steps += 1;
    for (const { at, resolve } of waiting) if (at <= steps) resolve();
    waiting = waiting.filter(({ at }) => at > steps);
  };
  const note = (deploymentId: string, change: Change) => {
    changes.set(deploymentId, [...(changes.get(deploymentId) ?? []), change]);
    step();
  };
  return {
    received: (host, deploymentId) => note(deploymentId, { atMs: nowMs(), host, isDown: true }),
    ran(host, deploymentId, event, atMs = nowMs()) {
      const own = runs.get(deploymentId) ?? new Map<string, number>();
      const what = `${event} on ${host}`;
      runs.set(deploymentId, own.set(what, (own.get(what) ?? 0) + 1));
      note(deploymentId, { atMs, host, isDown: true });
    },
    done: (host, deploymentId, atMs = nowMs()) => note(deploymentId, { atMs, host, isDown: false }),
    answered(report) {
      reports.set(report.deploymentId, [...(reports.get(report.deploymentId) ?? []), report]);
      step();
    },
    complain: (problem) => void problems.push(problem),
    afterSteps: (more) =>
      more <= 0 ? Promise.resolve() : new Promise((resolve) => waiting.push({ at: steps + more, resolve })),
    reportsOf: (deploymentId) => reports.get(deploymentId) ?? [],
    ranTwice: (deploymentId) =>
      [...(runs.get(deploymentId) ?? [])].flatMap(([what, times]) => (times > 1 ? [`${what}: ${times} times`] : [])),
    hasRun: (host, deploymentId, event) => runs.get(deploymentId)?.has(`${event} on ${host}`) ?? false,
    mostDown: (deploymentId) => mostDown(changes.get(deploymentId) ?? []),
    problems: () => problems,
  };
}

/** The most hosts that were down at one instant. */
export function mostDown(changes: readonly Change[]): number {
  // Two clocks meet where a real agent's scripts take the time: what comes up at an instant does so before what goes down.
  const inOrder = [...changes].sort((a, b) => a.atMs - b.atMs || Number(a.isDown) - Number(b.isDown));
  const down = new Set<string>();
  let most = 0;
  for (const { host, isDown } of inOrder) {
    if (isDown) down.add(host);
    else down.delete(host);
    most = Math.max(most, down.size);
  }
  return most;
}
