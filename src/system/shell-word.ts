/** Words and commands as a shell reads them. Pure. */
import { printable } from './printable.ts';

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A word for any POSIX shell, byte for byte. */
export function quoteForShell(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * A word of a command that people are advised to type: it can be pasted as it is printed.
 *
 * Characters that no terminal may get (see `printable`) become escapes in `$'…'`, which bash, zsh and ksh read.
 */
export function shellWord(word: string): string {
  return printable(word) === word ? quoteForShell(word) : `$'${escapeUnprintable(word)}'`;
}

/** A whole command that people are advised to type. */
export function shellCommand(...words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** Escapes characters byte by byte, so that the shell's locale does not matter. */
function escapeUnprintable(word: string): string {
  return word.replace(/['\\:[]|\p{C}|[\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''),
  );
}
