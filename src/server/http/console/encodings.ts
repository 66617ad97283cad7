/** Which of the forms of a file a browser takes. Pure. */

export type Encoding = 'br' | 'gzip' | 'identity';

/** The smallest first. */
const ENCODINGS = ['br', 'gzip'] as const;

/** @param header Accept-Encoding; undefined: it takes the file as it is */
export function bestEncoding(header: string | undefined, available: ReadonlySet<Encoding>): Encoding {
  const accepted = new Map(
    (header ?? '').split(',').map((part) => {
      const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
      return [name, weight === undefined ? 1 : Number(weight)] as const;
    }),
  );
  return ENCODINGS.find((name) => available.has(name) && (accepted.get(name) ?? 0) > 0) ?? 'identity';
}
