import { SlipwayError } from '../errors.ts';

/** @param name of the revision, for the message */
export function tooLarge(name: string, maxBytes: number): SlipwayError {
  return new SlipwayError('REVISION_TOO_LARGE', `${name} is larger than ${maxBytes} bytes`);
}
