/** Rules for texts and ids that a server sends, checked where they are read. Pure. */

/** Names of deployments and groups become folder and file names, with up to 40 bytes of the agent's own around them; bytes. */
export const ID_BYTES = 200;
/** Limit for names, keys and the like; S3 allows keys of 1024 bytes. */
export const NAME_BYTES = 1_024;
/** Limit for addresses and paths, as Linux has it for a path. */
export const ADDRESS_BYTES = 4_096;
/** A local deployment's application has the address of its bundle for a name, with a digest or commit. */
export const APPLICATION_BYTES = 2 * ADDRESS_BYTES;
/** Limit for access tokens; those that hold claims are long. */
export const TOKEN_BYTES = 8_192;
/** Limit for the identifiers of a host command. AWS's have about 460 characters. */
export const COMMAND_ID_BYTES = 2_048;
/** Limit for one name in a path on Linux. */
const FILE_NAME_BYTES = 255;

/** Deployment ids end so when no server gave them. */
export const LOCAL_ID_SUFFIX = '-local';

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * Says why a text can be neither an environment variable nor part of a message. A text from a server must not make `spawn` fail with E2BIG
 * or EINVAL.
 *
 * @returns the end of a sentence that begins with the member's name; null: the text is good
 */
export function problemOfText(text: string, maxBytes: number): string | null {
  if (text.length > maxBytes || Buffer.byteLength(text) > maxBytes) return `is longer than ${maxBytes} bytes`;
  if (/\p{Cc}/u.test(text)) return 'holds a control character';
  if (!text.isWellFormed()) return 'holds half of a surrogate pair, which is no character';
  return null;
}

/**
 * Says why a text cannot be the id of a deployment or of a deployment group, which names folders and files on the host.
 *
 * @param reserved names of the agent's own folders below root_dir; the case of letters makes no difference
 * @returns the end of a sentence that begins with the member's name; null: the id is good
 */
export function problemOfId(text: string, reserved: readonly string[]): string | null {
  if (text.length > ID_BYTES) return `is longer than ${ID_BYTES} bytes`;
  if (!ID.test(text))
    return 'is not a safe name for a folder: an id begins with an ASCII letter or digit and holds only those, dots, dashes and underscores';
  const lower = text.toLowerCase();
  if (reserved.some((name) => name.toLowerCase() === lower)) return 'is the name of a folder of the agent’s own';
  return null;
}

/** Whether one of the names in a path is too long for a file system. */
export function hasLongName(path: string): boolean {
  return path.split('/').some((name) => Buffer.byteLength(name) > FILE_NAME_BYTES);
}
