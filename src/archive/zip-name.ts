/** Which text the bytes of a name in a zip archive are. Pure. */
import { nameNotUtf8Error } from './problems.ts';

const SAYS_UTF8 = 0x800;

/** The upper half of code page 437, which is what names without a mark are in, since the format was made on DOS. */
const CP437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
  'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/**
 * @param flags of the entry; bit 11 says that the name is UTF-8
 * @param unicodeName what an extra field gives as the UTF-8 name, if there is one
 * @returns the name: UTF-8 wherever it can be, because writers on Unix use it without saying so; otherwise code page 437
 * @throws SlipwayError ARCHIVE_ENTRY_UNUSABLE for a name that says it is UTF-8 and is not
 */
export function decodeZipName(bytes: Buffer, flags: number, unicodeName: Buffer | null): string {
  const text = decodeUtf8(unicodeName ?? bytes);
  if (text !== null) return text;
  if (unicodeName !== null || (flags & SAYS_UTF8) !== 0) {
    throw nameNotUtf8Error(bytes.toString('latin1'));
  }
  return Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : CP437[byte - 128])).join('');
}

function decodeUtf8(bytes: Buffer): string | null {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') && !Buffer.from(text).equals(bytes) ? null : text;
}
