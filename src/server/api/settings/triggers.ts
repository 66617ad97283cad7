/** The triggers of deployment groups: who is told of what. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import { TRIGGER_EVENTS } from '../../../protocol/management/trigger-events.ts';
import type { Input } from '../context.ts';
import {
  checkChoice,
  countCharacters,
  quote,
  readList,
  readText,
  requireBatch,
  requireObject,
  requireText,
} from '../input.ts';

const MEMBER = 'triggerConfigurations';
const INVALID = 'InvalidTriggerConfigException';
/** As many as a group may have in the hosted service. */
const MAX_TRIGGERS = 10;
/** In characters. */
const MAX_NAME = 100;

/** Whether this server can send notices to what a trigger calls its target. */
export type KnowsTarget = (target: string) => boolean;

/** @throws ApiError InvalidTriggerConfigException, TriggerTargetsLimitExceededException */
export function checkTriggers(input: Input, knowsTarget: KnowsTarget): void {
  const triggers = readList(input, MEMBER) ?? [];
  requireBatch(triggers, MEMBER, MAX_TRIGGERS, 'TriggerTargetsLimitExceededException');
  const names = new Set<string>();
  for (const [index, value] of triggers.entries()) {
    const path = `${MEMBER}[${index}]`;
    const trigger = requireObject(value, path);
    const name = readText(trigger, 'triggerName') ?? '';
    const length = countCharacters(name);
    if (length === 0 || length > MAX_NAME) {
      throw invalid(`${path}.triggerName must have 1 to ${MAX_NAME} characters, but has ${length}.`);
    }
    if (names.has(name))
      throw invalid(`${path}.triggerName ${quote(name)} is that of a trigger before it in the list.`);
    names.add(name);
    checkEvents(trigger, path);
    checkTarget(trigger, path, knowsTarget);
  }
}

function checkEvents(trigger: Input, path: string): void {
  const events = readList(trigger, 'triggerEvents') ?? [];
  if (events.length === 0) throw invalid(`${path}.triggerEvents must name an event: ${TRIGGER_EVENTS.join(', ')}.`);
  for (const [index, event] of events.entries()) {
    const member = `${path}.triggerEvents[${index}]`;
    checkChoice(requireText(event, member), member, TRIGGER_EVENTS, INVALID);
  }
}

function checkTarget(trigger: Input, path: string, knowsTarget: KnowsTarget): void {
  const target = readText(trigger, 'triggerTargetArn') ?? '';
  if (target === '') throw invalid(`${path}.triggerTargetArn is missing: it says who is told.`);
  if (knowsTarget(target)) return;
  throw invalid(
    `${path}.triggerTargetArn ${quote(target)} is nobody whom this server could tell. ` +
      'Add it, with an address and a secret, to the file that slipway server --webhooks names, and start the server again; ' +
      'or give the ARN of a topic of SNS, arn:aws:sns:REGION:ACCOUNT:TOPIC.',
  );
}

function invalid(why: string): ApiError {
  return new ApiError(INVALID, why);
}
