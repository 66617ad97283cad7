/** Trials of one run of the sweep: follow from the seed and the run's number alone. */
import { IN_PLACE_EVENTS } from '../../../src/server/engine/course.ts';
import { type SeededRandom, seededRandom } from '../random.ts';

/** Each deployment is of so many hosts. */
export const HOSTS = 4;

export interface Minimum {
  readonly deploymentConfigName: string;
  /** How many of the hosts may be out of service at once. */
  readonly allowed: number;
  /** null: the configuration is one of the predefined ones. */
  readonly custom: { readonly type: 'HOST_COUNT' | 'FLEET_PERCENT'; readonly value: number } | null;
}

export const MINIMUMS: readonly [Minimum, ...Minimum[]] = [
  { deploymentConfigName: 'CodeDeployDefault.OneAtATime', allowed: 1, custom: null },
  { deploymentConfigName: 'CodeDeployDefault.HalfAtATime', allowed: 2, custom: null },
  { deploymentConfigName: 'one-stays', allowed: 3, custom: { type: 'HOST_COUNT', value: 1 } },
  { deploymentConfigName: 'two-stay', allowed: 2, custom: { type: 'HOST_COUNT', value: 2 } },
  // Of 4 hosts 60 percent are 2.4, and so 3.
  { deploymentConfigName: 'most-stay', allowed: 1, custom: { type: 'FLEET_PERCENT', value: 60 } },
];

export interface PlannedKill {
  /** Which server. */
  readonly place: number;
  /** After so many things that hosts have seen since the deployment was asked for, or since the kill before; and then this long. */
  readonly afterSteps: number;
  readonly plusMs: number;
  /** How long it is down. */
  readonly awayMs: number;
}

export interface RunPlan {
  readonly minimum: Minimum;
  /** An event that fails on one of the hosts. */
  readonly failing: { readonly host: number; readonly event: string } | null;
  /** After so many steps somebody asks for a stop. */
  readonly stopAfterSteps: number | null;
  readonly kills: readonly PlannedKill[];
}

/** A simulated host is given a command, runs it, and is answered. */
const STEPS_OF_COMMAND = 3;
const EARLY_STEPS = 12;
const LONGEST_PLUS_MS = 20;
const LONGEST_AWAY_MS = 400;

/** @param simulated how many of the hosts note what they see */
export function planRun(seed: number, run: number, servers: number, simulated: number): RunPlan {
  const random = seededRandom(seed * 100_003 + run);
  const steps = simulated * IN_PLACE_EVENTS.length * STEPS_OF_COMMAND;
  const minimum = random.pick(MINIMUMS);
  const failing = random.chance(0.25)
    ? { host: random.integer(0, HOSTS - 1), event: random.pick(IN_PLACE_EVENTS) }
    : null;
  const stopAfterSteps = random.chance(0.15) ? random.integer(1, steps) : null;
  // One that fails may be over soon.
  const kills = [planKill(random, servers, failing === null ? steps : EARLY_STEPS)];
  // The second one meets a server that has just come back.
  if (random.chance(0.25)) kills.push(planKill(random, servers, 4));
  return { minimum, failing, stopAfterSteps, kills };
}

function planKill(random: SeededRandom, servers: number, mostSteps: number): PlannedKill {
  return {
    place: random.integer(0, servers - 1),
    afterSteps: random.integer(0, mostSteps - 1),
    plusMs: random.integer(0, LONGEST_PLUS_MS),
    awayMs: random.integer(0, LONGEST_AWAY_MS),
  };
}
