/** Faults of one run of the chaos, and their order: follows from the seed alone. Pure. */
import { IN_PLACE_EVENTS } from '../../src/server/engine/course.ts';
import { type SeededRandom, seededRandom } from '../support/random.ts';
import type { Minimum } from '../support/server-faults/plan.ts';

export interface ChaosSize {
  readonly servers: number;
  readonly hosts: number;
  /** Servers that are killed in all. */
  readonly kills: number;
  /** Restarts of PostgreSQL in all. */
  readonly restarts: number;
}

/** Things that fail together, and how long each is down; milliseconds. */
export interface Fault {
  /** Comes after so many things that hosts have seen since the fault before, and then so many milliseconds. */
  readonly afterSteps: number;
  readonly plusMs: number;
  readonly victims: readonly { readonly place: number; readonly awayMs: number }[];
  /** null: PostgreSQL stays. */
  readonly database: { readonly mode: 'fast' | 'immediate'; readonly awayMs: number } | null;
}

/** One deployment: what it keeps to, and what goes wrong on its hosts. */
export interface PlannedDeployment {
  readonly minimum: Minimum;
  /** An event that fails on one of the hosts. */
  readonly failing: { readonly host: number; readonly event: string } | null;
  /** After so many steps somebody asks for a stop; null: nobody does. */
  readonly stopAfterSteps: number | null;
}

const MOST_STEPS = 140;
const LONGEST_PLUS_MS = 60;
const LONGEST_AWAY_MS = 1_500;
/** Longer than a request waits for a database that is down. */
const DATABASE_AWAY_MS = 7_000;
/** A host notes three steps for each command. */
const STEPS_OF_COMMAND = 3;

/** @returns the configurations of the deployments for so many hosts; each lets one host at least be deployed to */
export function minimumsFor(hosts: number): readonly [Minimum, ...Minimum[]] {
  const count = (deploymentConfigName: string, stay: number): Minimum => ({
    ...{ deploymentConfigName, allowed: hosts - stay, custom: { type: 'HOST_COUNT', value: stay } },
  });
  // Of few hosts, nine of ten are all of them: such a deployment could not begin.
  const mostThatStay = hosts - 1;
  const percent = Math.min(83, Math.floor((mostThatStay / hosts) * 100));
  return [
    { deploymentConfigName: 'CodeDeployDefault.HalfAtATime', allowed: Math.floor(hosts / 2), custom: null },
    count('most-stay', Math.min(mostThatStay, Math.ceil(hosts * 0.9))),
    count('three-quarters-stay', Math.min(mostThatStay, Math.ceil(hosts * 0.75))),
    {
      deploymentConfigName: 'percent-stay',
      allowed: hosts - Math.ceil((hosts * percent) / 100),
      custom: { type: 'FLEET_PERCENT', value: percent },
    },
  ];
}

export function planFaults(seed: number, size: ChaosSize): readonly Fault[] {
  const random = seededRandom(seed);
  const faults: Fault[] = [];
  for (let kills = size.kills; kills > 0; ) {
    const victims = planVictims(random, Math.min(size.servers, kills));
    kills -= victims.length;
    faults.push({ ...planMoment(random), victims, database: null });
  }
  for (let left = size.restarts; left > 0; left -= 1) {
    const at = random.integer(0, Math.max(0, faults.length - 1));
    const database = {
      mode: random.pick<'fast' | 'immediate'>(['fast', 'immediate']),
      awayMs: random.chance(0.2) ? DATABASE_AWAY_MS : random.integer(0, LONGEST_AWAY_MS),
    };
    const fault = faults[at];
    // Sometimes in the middle of servers that go and come.
    if (fault !== undefined && fault.database === null && random.chance(0.3)) faults[at] = { ...fault, database };
    else faults.splice(at, 0, { ...planMoment(random), victims: [], database });
  }
  return faults;
}

/** One server mostly, sometimes several, sometimes all. */
function planVictims(random: SeededRandom, most: number): Fault['victims'] {
  const wanted = random.chance(0.7) ? 1 : random.integer(1, most);
  const first = random.integer(0, most - 1);
  return Array.from({ length: wanted }, (_, index) => ({
    place: (first + index) % most,
    awayMs: random.integer(0, LONGEST_AWAY_MS),
  }));
}

function planMoment(random: SeededRandom): Pick<Fault, 'afterSteps' | 'plusMs'> {
  return { afterSteps: random.integer(0, MOST_STEPS), plusMs: random.integer(0, LONGEST_PLUS_MS) };
}

/** @param number of the deployment, from 0 */
export function planDeployment(seed: number, number: number, hosts: number): PlannedDeployment {
  const random = seededRandom(seed * 100_003 + number);
  const minimum = random.pick(minimumsFor(hosts));
  const failing = random.chance(0.25)
    ? { host: random.integer(0, hosts - 1), event: random.pick(IN_PLACE_EVENTS) }
    : null;
  const steps = hosts * IN_PLACE_EVENTS.length * STEPS_OF_COMMAND;
  return { minimum, failing, stopAfterSteps: random.chance(0.1) ? random.integer(1, steps) : null };
}
