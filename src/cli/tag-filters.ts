/** Which hosts are meant, by their tags: as flags, and as the API has it. Pure. */
import { InvalidArgumentError } from 'commander';

export interface TagFilter {
  readonly Key?: string;
  readonly Value?: string;
  readonly Type: 'KEY_AND_VALUE' | 'KEY_ONLY' | 'VALUE_ONLY';
}

/** `Role=web`; `Role=*`: with any value; `*=web`: with any key. `\*` is the sign itself. */
export function parseTagFilter(text: string): TagFilter {
  const equals = text.indexOf('=');
  if (equals < 1 || equals === text.length - 1) {
    throw new InvalidArgumentError(`'${text}' is not KEY=VALUE; KEY=* is any value, *=VALUE any key`);
  }
  const [key, value] = [text.slice(0, equals), text.slice(equals + 1)];
  if (key === '*' && value === '*') throw new InvalidArgumentError(`'${text}' would be every host with any tag`);
  if (value === '*') return { Key: plain(key), Type: 'KEY_ONLY' };
  if (key === '*') return { Value: plain(value), Type: 'VALUE_ONLY' };
  return { Key: plain(key), Value: plain(value), Type: 'KEY_AND_VALUE' };
}

/** `Role=web,Role=api`: any one of them. `\,` is the sign itself. */
export function parseTagSet(text: string): readonly TagFilter[] {
  return text.split(/(?<!\\),/).map((part) => parseTagFilter(part.replaceAll('\\,', ',')));
}

function plain(text: string): string {
  return text === '\\*' ? '*' : text;
}

/** As it would be given. */
export function renderTagFilter({ Key = '', Value = '', Type }: WireFilter): string {
  const escaped = (text: string) => (text === '*' ? '\\*' : text);
  if (Type === 'KEY_ONLY') return `${escaped(Key)}=*`;
  return Type === 'VALUE_ONLY' ? `*=${escaped(Value)}` : `${escaped(Key)}=${escaped(Value)}`;
}

interface WireFilter {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
  readonly Type?: string | undefined;
}

/** Whether a host is meant by one of the filters; by all hosts where there is none. */
export function isMeant(
  tags: readonly { readonly Key: string; readonly Value: string }[],
  filters: readonly TagFilter[],
): boolean {
  return (
    filters.length === 0 ||
    filters.some((filter) =>
      tags.some(({ Key, Value }) => (filter.Key ?? Key) === Key && (filter.Value ?? Value) === Value),
    )
  );
}
