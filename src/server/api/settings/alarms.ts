/** Lists of alarms that deployments watch. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { Input } from '../context.ts';
import { countCharacters, quote, readBoolean, readList, readText, requireBatch, requireObject } from '../input.ts';

const MAX_ALARMS = 10;
/** In characters. */
const MAX_NAME = 255;

/**
 * @param member the configuration's own name
 * @param known alarms that the server can read; others may be kept where they are not watched
 * @throws ApiError InvalidAlarmConfigException, AlarmsLimitExceededException
 */
export function checkAlarms(
  configuration: Input | null,
  member: string,
  known: Pick<ReadonlySet<string>, 'has'>,
): void {
  if (configuration === null) return;
  const alarms = readList(configuration, 'alarms') ?? [];
  const path = `${member}.alarms`;
  requireBatch(alarms, path, MAX_ALARMS, 'AlarmsLimitExceededException');
  const names = new Set<string>();
  for (const [index, alarm] of alarms.entries()) {
    const name = readText(requireObject(alarm, path), 'name') ?? '';
    const length = countCharacters(name);
    if (length === 0 || length > MAX_NAME) {
      throw invalid(`${path}[${index}].name must have 1 to ${MAX_NAME} characters, but has ${length}.`);
    }
    if (names.has(name)) throw invalid(`${path}[${index}].name is that of an alarm before it in the list.`);
    names.add(name);
  }
  if (readBoolean(configuration, 'enabled') === true && alarms.length === 0) {
    throw invalid(`${member} is enabled and has no alarms.`);
  }
  const unknown = [...names].find((name) => !known.has(name));
  if (readBoolean(configuration, 'enabled') === true && unknown !== undefined) {
    const remedy =
      'Add it to the file that slipway server --alarms names, or start the server with --aws-region where CloudWatch has it.';
    throw invalid(`${path} names ${quote(unknown)}, which this server does not know. ${remedy}`);
  }
}

function invalid(why: string): ApiError {
  return new ApiError('InvalidAlarmConfigException', why);
}
