/** Suggests words in place of a command or an option that does not exist. Pure. */
import type { Command } from 'commander';
import { nearestWords, nearNames } from '../appspec/suggest.ts';

/** Words that other tools have for what a command here is called. */
const CALLED_ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  list: ['ls'],
  show: ['get', 'describe', 'info', 'inspect', 'view'],
  create: ['add', 'new', 'make'],
  update: ['edit', 'set', 'change', 'modify'],
  delete: ['rm', 'remove', 'destroy'],
  disable: ['delete', 'rm', 'remove', 'revoke'],
  deregister: ['delete', 'rm', 'remove', 'unregister'],
  follow: ['watch', 'wait', 'tail'],
  stop: ['cancel', 'abort', 'kill'],
  register: ['enroll', 'enrol', 'join'],
  validate: ['lint', 'check'],
  rollback: ['undo', 'revert'],
};

/**
 * Returns the known words that a word was probably meant to be. These are equal but for capitals and separators; else a slip of the pen
 * away; else they contain the word, or it contains them.
 */
export function nearWords(word: string, known: readonly string[]): readonly string[] {
  const bare = (text: string) => text.toLowerCase().replace(/[-_]/g, '');
  const same = known.filter((one) => bare(one) === bare(word));
  if (same.length > 0) return same;
  const slips = nearestWords(word, known);
  if (slips.length > 0) return slips;
  return bare(word).length < 2
    ? []
    : nearNames(bare(word), known.map(bare)).flatMap((one) => known.filter((name) => bare(name) === one));
}

/** @param words what was typed, from the one that `command` does not know on */
export function nearCommands(command: Command, words: readonly string[]): readonly string[] {
  const [word = '', next = ''] = words;
  const names = command.commands.map((child) => child.name());
  const elsewhere = names.filter((name) => CALLED_ELSEWHERE[name]?.includes(word.toLowerCase()));
  if (elsewhere.length > 0) return elsewhere;
  // `list deployments`, or `list` alone, where it is `deployments list`.
  const parents = command.commands.filter((child) => child.commands.some((one) => one.name() === word));
  const [meant] = nearWords(
    next,
    parents.map((child) => child.name()),
  );
  if (parents.length > 0)
    return (meant === undefined ? parents.map((child) => child.name()) : [meant]).map((name) => `${name} ${word}`);
  return nearWords(word, names);
}

/** @param flag as it was typed, its value left away */
export function nearOptions(command: Command, flag: string): readonly string[] {
  return nearWords(
    flag.replace(/^-+/, ''),
    longOptions(command).map((long) => long.slice(2)),
  ).map((name) => `--${name}`);
}

/** The long options that may stand behind a command. */
export function longOptions(command: Command): readonly string[] {
  return [...command.options.flatMap(({ long }) => long ?? []), '--help'];
}

/** `(Did you mean x?)`, in commander's words. */
export function didYouMeanOneOf(words: readonly string[]): string {
  return words.length === 1 ? `(Did you mean ${words[0]}?)` : `(Did you mean one of ${words.join(', ')}?)`;
}
