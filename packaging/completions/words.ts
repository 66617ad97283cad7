/** Words that may follow those that somebody has typed so far: the table that all three shells complete from. Pure. */
import type { CommandText } from '../command-line.ts';

export interface Place {
  /** Words before it, the program's name left out: `deployments show`; empty at the beginning. */
  readonly path: string;
  readonly children: readonly { readonly word: string; readonly description: string }[];
  readonly options: readonly {
    readonly names: readonly string[];
    readonly takesValue: boolean;
    readonly choices: readonly string[] | null;
    readonly description: string;
  }[];
}

export function placesOf(commands: readonly CommandText[]): readonly Place[] {
  const descriptions = new Map(commands.map((one) => [one.words.join(' '), firstSentence(one.description)]));
  return commands.map(({ words, children, options }) => ({
    path: words.join(' '),
    children: children.map((word) => ({
      word,
      description: descriptions.get([...words, word].join(' ')) ?? '',
    })),
    options: [
      ...options.map(({ names, takesValue, choices, description }) => ({
        names,
        takesValue,
        choices,
        description: firstSentence(description),
      })),
      { names: ['-h', '--help'], takesValue: false, choices: null, description: 'show what it takes' },
    ],
  }));
}

/** As a shell's word in single quotes. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function firstSentence(text: string): string {
  return (text.split(/[;.]\s/)[0] ?? text).replace(/\.$/, '');
}
