/** The name of a host that is registered. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { Input } from './context.ts';
import { INSTANCE, readName } from './input.ts';

/** @throws ApiError InvalidInstanceNameException */
export function checkHostName(input: Input): string {
  const name = readName(input, 'instanceName', INSTANCE);
  if (!name.startsWith('i-')) return name;
  const why = "instanceName cannot begin with 'i-': such names are of EC2 instances.";
  throw new ApiError('InvalidInstanceNameException', why);
}
