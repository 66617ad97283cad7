/** Headers of an upload that are kept with the object and given back with it. Pure. */
import { S3Error } from './s3-error.ts';

const KEPT = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
];
const METADATA = 'x-amz-meta-';
const DEFAULT_TYPE = 'application/octet-stream';
/** The limit of S3 on all names and values of metadata together. */
const MAX_METADATA_BYTES = 2048;

export type KeptHeaders = Readonly<Record<string, string>>;

/** @throws S3Error MetadataTooLarge */
export function keptHeaders(headers: Readonly<Record<string, string>>): KeptHeaders {
  const kept: Record<string, string> = { 'content-type': DEFAULT_TYPE };
  let metadataBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    const isMetadata = name.startsWith(METADATA);
    if (isMetadata) metadataBytes += Buffer.byteLength(name) - METADATA.length + Buffer.byteLength(value);
    if (!isMetadata && !KEPT.includes(name)) continue;
    const text = name === 'content-encoding' ? withoutChunking(value) : value;
    if (text !== '') kept[name] = text;
  }
  if (metadataBytes > MAX_METADATA_BYTES)
    throw new S3Error('MetadataTooLarge', 400, `The metadata has more than ${MAX_METADATA_BYTES} bytes.`);
  return kept;
}

/** `aws-chunked` tells how the body travels, not what the object is. */
function withoutChunking(encodings: string): string {
  return encodings
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== 'aws-chunked' && encoding !== '')
    .join(',');
}

/** Returns the headers for a reader: the kept ones, except those that the request overrides (`response-content-type=…`). */
export function shownHeaders(kept: KeptHeaders, query: ReadonlyMap<string, string>): KeptHeaders {
  const overrides = [...query].flatMap(([name, value]) =>
    name.startsWith('response-') ? [[name.slice('response-'.length), value] as const] : [],
  );
  for (const [name, value] of overrides) {
    if (!/^[\x20-\x7e]*$/.test(value))
      throw new S3Error('InvalidArgument', 400, `response-${name} cannot stand in a header.`);
  }
  return { ...kept, ...Object.fromEntries(overrides) };
}
