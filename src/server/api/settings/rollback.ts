/** When a deployment is rolled back by itself. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { Input } from '../context.ts';
import { checkChoice, readBoolean, readList, requireText } from '../input.ts';

const EVENTS = ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'];
const MEMBER = 'autoRollbackConfiguration';

/** @throws ApiError InvalidAutoRollbackConfigException */
export function checkRollback(configuration: Input | null): void {
  if (configuration === null) return;
  const events = readList(configuration, 'events') ?? [];
  for (const [index, event] of events.entries()) {
    const path = `${MEMBER}.events[${index}]`;
    checkChoice(requireText(event, path), path, EVENTS, 'InvalidAutoRollbackConfigException');
  }
  if (readBoolean(configuration, 'enabled') === true && events.length === 0) {
    throw new ApiError(
      'InvalidAutoRollbackConfigException',
      `${MEMBER} is enabled and has no events: name at least one of ${EVENTS.join(', ')}.`,
    );
  }
}
