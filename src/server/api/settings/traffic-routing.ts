/** How a deployment configuration of Lambda or ECS moves traffic: `trafficRoutingConfig`. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import { LONGEST_SHIFT_MINUTES, shiftMinutes, type TrafficRouting } from '../../engine/shifting/schedule.ts';
import type { Input } from '../context.ts';
import { checkChoice, readObject, readText } from '../input.ts';

const MEMBER = 'trafficRoutingConfig';
const INVALID = 'InvalidTrafficRoutingConfigurationException';

const LEAST = 1;
const MAX_PERCENT = 99;

/** Each type with the member that says more, and its two numbers. */
const BLOCKS = {
  TimeBasedCanary: { block: 'timeBasedCanary', percentage: 'canaryPercentage', interval: 'canaryInterval' },
  TimeBasedLinear: { block: 'timeBasedLinear', percentage: 'linearPercentage', interval: 'linearInterval' },
} as const;

/** @throws ApiError InvalidTrafficRoutingConfigurationException, also when there is none */
export function readTrafficRouting(input: Input): TrafficRouting {
  const config = readObject(input, MEMBER);
  if (config === null) throw invalid(`${MEMBER} is missing: it says how traffic moves to the new version.`);
  const given = readText(config, 'type');
  if (given === null) throw invalid(`${MEMBER}.type is missing: ${['AllAtOnce', ...Object.keys(BLOCKS)].join(', ')}.`);
  const type = checkChoice(given, `${MEMBER}.type`, ['AllAtOnce', 'TimeBasedCanary', 'TimeBasedLinear'], INVALID);
  for (const [other, { block }] of Object.entries(BLOCKS)) {
    if (other !== type && readObject(config, block) !== null) {
      throw invalid(`${MEMBER}.${block} is for the type ${other}, but the type is ${type}. Leave one of them out.`);
    }
  }
  const routing = type === 'AllAtOnce' ? { type } : readTimeBased(config, type);
  const minutes = shiftMinutes(routing);
  if (minutes <= LONGEST_SHIFT_MINUTES) return routing;
  throw invalid(
    `${MEMBER} takes ${minutes} minutes from the first shift to the last; ${LONGEST_SHIFT_MINUTES} is the limit.`,
  );
}

function readTimeBased(config: Input, type: keyof typeof BLOCKS): TrafficRouting {
  const { block, percentage, interval } = BLOCKS[type];
  const path = `${MEMBER}.${block}`;
  const values = readObject(config, block);
  if (values === null) throw invalid(`${path} is missing: the type ${type} needs it.`);
  const percent = readWhole(values, percentage, path, MAX_PERCENT);
  const minutes = readWhole(values, interval, path, LONGEST_SHIFT_MINUTES);
  return type === 'TimeBasedCanary'
    ? { type, timeBasedCanary: { canaryPercentage: percent, canaryInterval: minutes } }
    : { type, timeBasedLinear: { linearPercentage: percent, linearInterval: minutes } };
}

function readWhole(values: Input, member: string, path: string, most: number): number {
  const value = values[member];
  if (typeof value === 'number' && Number.isInteger(value) && value >= LEAST && value <= most) return value;
  const unit = most === MAX_PERCENT ? 'percent' : 'minutes';
  const shown = JSON.stringify(value ?? null);
  throw invalid(`${path}.${member} must be whole ${unit} from ${LEAST} to ${most}, but is ${shown}.`);
}

function invalid(why: string): ApiError {
  return new ApiError(INVALID, why);
}
