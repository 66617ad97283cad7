/** Tags of an object: limits, and their two forms on the wire. */
import { S3Error } from './s3-error.ts';
import { childText, elements, malformed, readXml } from './xml.ts';

export interface ObjectTag {
  readonly key: string;
  readonly value: string;
}

export type Tags = readonly ObjectTag[];

/** The limits of S3, in characters as JavaScript counts them. @see "Categorizing your objects using tags" of the S3 user guide */
const MAX_TAGS = 10;
const MAX_KEY = 128;
const MAX_VALUE = 256;
const ALLOWED = /^[\p{L}\p{N}\p{Z}+\-=._:/@]*$/u;

/** Tags in the header `x-amz-tagging`: `a=b&c=d`, encoded as a query. @throws S3Error InvalidArgument, InvalidTag, BadRequest */
export function tagsOfHeader(header: string | undefined): Tags {
  if (header === undefined || header === '') return [];
  const tags = header.split('&').map((pair) => {
    const equals = pair.indexOf('=');
    return {
      key: decode(equals < 0 ? pair : pair.slice(0, equals)),
      value: equals < 0 ? '' : decode(pair.slice(equals + 1)),
    };
  });
  return requireTags(tags);
}

/** Tags in the body of PutObjectTagging. @throws S3Error MalformedXML, InvalidTag, BadRequest */
export function tagsOfXml(text: string): Tags {
  const tagging = readXml(text, 'Tagging');
  const [set, ...others] = tagging.children.get('TagSet') ?? [];
  if (set === undefined || others.length > 0 || tagging.children.size !== 1) throw malformed('it needs one TagSet');
  for (const name of set.children.keys()) if (name !== 'Tag') throw malformed('a TagSet has nothing but tags');
  const tags = (set.children.get('Tag') ?? []).map((tag) => {
    const [key, value] = [childText(tag, 'Key'), childText(tag, 'Value')];
    if (key === null || value === null || tag.children.size !== 2) throw malformed('a tag needs Key and Value');
    return { key, value };
  });
  return requireTags(tags);
}

/** The answer of GetObjectTagging. */
export function tagsXml(tags: Tags): string {
  const set = tags.map(({ key, value }) => `<Tag>${elements({ Key: key, Value: value })}</Tag>`).join('');
  return `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>${set}</TagSet></Tagging>`;
}

function requireTags(tags: Tags): Tags {
  if (tags.length > MAX_TAGS)
    throw new S3Error('BadRequest', 400, `An object has ${MAX_TAGS} tags at most. Nothing was changed.`);
  for (const { key, value } of tags) {
    if (key === '' || key.length > MAX_KEY || !ALLOWED.test(key))
      throw invalidTag(
        `the key '${key.slice(0, 40)}' must be 1 to ${MAX_KEY} letters, digits, blanks or + - = . _ : / @`,
      );
    if (value.length > MAX_VALUE || !ALLOWED.test(value))
      throw invalidTag(
        `the value of '${key.slice(0, 40)}' has more than ${MAX_VALUE} characters, or one that no tag has`,
      );
    if (key.toLowerCase().startsWith('aws:')) throw invalidTag('keys that begin with aws: are reserved');
  }
  const twice = tags.find(({ key }, at) => tags.findIndex((other) => other.key === key) !== at);
  if (twice !== undefined) throw invalidTag(`the key '${twice.key.slice(0, 40)}' comes more than once`);
  return tags;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new S3Error('InvalidArgument', 400, 'x-amz-tagging must be URL-encoded, as KEY=VALUE&KEY=VALUE.');
  }
}

function invalidTag(why: string): S3Error {
  return new S3Error('InvalidTag', 400, `The tags are refused: ${why}. Nothing was changed.`);
}
