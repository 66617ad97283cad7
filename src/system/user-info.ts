/** User and password in addresses: who may see an address need not see them. Pure. */

/** The letters of an address end here at the latest. */
const END_OF_ADDRESS = /[\s"'<>`]/;
/** Characters that end the host of an address. */
const END_OF_AUTHORITY = /[/?#\\]/;

/**
 * Takes user and password out of every address in a text: `http://user:password@proxy:3128` becomes `http://proxy:3128`. A text that is
 * nothing but `user:password@host` counts as an address, too: programs take a proxy without its scheme.
 *
 * The user of an ssh address stays when no password follows: it says where to log in, and is no secret.
 */
export function withoutUserInfo(text: string): string {
  const at = text.lastIndexOf('@');
  if (at < 0) return text;
  if (!text.includes('://')) return isBareAddress(text, at) ? text.slice(at + 1) : text;
  const pieces = text.split('://');
  let cleaned = pieces[0] ?? '';
  for (let index = 1; index < pieces.length; index += 1) {
    cleaned += `://${withoutUser(pieces[index] ?? '', pieces[index - 1] ?? '')}`;
  }
  return cleaned;
}

/** @param rest what follows `://`, up to the next one; @param before what ends with the scheme */
function withoutUser(rest: string, before: string): string {
  const word = rest.slice(0, indexOrEnd(rest, END_OF_ADDRESS));
  const authority = word.slice(0, indexOrEnd(word, END_OF_AUTHORITY));
  // A slash in a password that nobody has encoded would end the authority: what stands for the port is no number then.
  const port = authority.slice(authority.lastIndexOf(':') + 1);
  const isBroken = authority.includes(':') && !authority.includes(']') && !/^\d*$/.test(port);
  const at = (authority.includes('@') || !isBroken ? authority : word).lastIndexOf('@');
  if (at < 0) return rest;
  const isSsh = /(?:^|[^a-z])(?:git\+)?ssh$/i.test(before.slice(-10));
  return isSsh && !word.slice(0, at).includes(':') ? rest : rest.slice(at + 1);
}

function isBareAddress(text: string, at: number): boolean {
  const colon = text.indexOf(':');
  const host = text.slice(at + 1);
  // A list of folders has colons, too, and begins with a slash: /usr/lib/node_modules/@scope/bin:/usr/bin.
  const isList = text.slice(0, colon).includes('/');
  return colon >= 0 && colon < at && !isList && !/\s/.test(text) && /^[\w.[\]:()-]+(?:[/?#]|$)/.test(host);
}

function indexOrEnd(text: string, pattern: RegExp): number {
  const index = text.search(pattern);
  return index < 0 ? text.length : index;
}
