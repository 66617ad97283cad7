/** Parameters that all requests for lists share. Pure. */
import { S3Error } from './s3-error.ts';

export const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const MAX_PAGE = 1000;

/** How many entries a page has: as many as asked for, 1 000 at most. @throws S3Error InvalidArgument */
export function readLimit(name: string, text: string | undefined): number {
  if (text === undefined || text === '') return MAX_PAGE;
  if (!/^\d{1,10}$/.test(text))
    throw invalidList(`${name} must be an integer of 0 or more, but is '${text.slice(0, 40)}'`);
  return Math.min(MAX_PAGE, Number(text));
}

/** How keys are written in the answer, since some have characters that XML has not. @throws S3Error InvalidArgument */
export function readEncoding(text: string | undefined): (text: string) => string {
  if (text === undefined) return (value) => value;
  if (text !== 'url') throw invalidList(`encoding-type must be 'url', but is '${text.slice(0, 40)}'`);
  return (value) => encodeURIComponent(value).replaceAll('%2F', '/');
}

export function invalidList(why: string): S3Error {
  return new S3Error('InvalidArgument', 400, `The list is refused: ${why}.`);
}
