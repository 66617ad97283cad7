/** The Auto Scaling groups whose members are hosts of a deployment group. */
import { ApiError } from '../../../protocol/errors.ts';
import type { ApiContext, Input } from '../context.ts';
import { quote, readList, requireBatch, requireText } from '../input.ts';

const INVALID = 'InvalidAutoScalingGroupException';
const PATH = 'autoScalingGroups';
/** As many as a group may have in the hosted service. */
const MAX_GROUPS = 10;
/** In characters, as Auto Scaling has it. */
const MAX_NAME = 255;

/** Names that are given, each once; asks AWS for them. @throws ApiError InvalidAutoScalingGroupException */
export async function checkAutoScalingGroups(
  { findMissingAutoScalingGroups: findMissing }: Pick<ApiContext, 'findMissingAutoScalingGroups'>,
  input: Input,
): Promise<void> {
  const list = readList(input, PATH) ?? [];
  if (list.length === 0 || findMissing === null) return;
  requireBatch(list, PATH, MAX_GROUPS, INVALID);
  const names = list.map((entry, index) => requireText(entry, `${PATH}[${index}]`));
  for (const [index, name] of names.entries()) {
    if (name.length === 0 || name.length > MAX_NAME) {
      throw invalid(`${PATH}[${index}] must have 1 to ${MAX_NAME} characters, but has ${name.length}.`);
    }
    if (names.indexOf(name) < index) throw invalid(`${PATH}[${index}] is that of a group before it in the list.`);
  }
  const { missing, fault } = await findMissing(names);
  if (fault !== null) throw invalid(`${PATH} could not be looked up in AWS: ${fault}`);
  const [first] = missing;
  if (first !== undefined) throw invalid(`AWS has no Auto Scaling group ${quote(first)} in the region of this server.`);
}

function invalid(why: string): ApiError {
  return new ApiError(INVALID, why);
}
