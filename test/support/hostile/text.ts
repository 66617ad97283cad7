/** Words of strangers that a terminal, a reader's eye or a build server would obey, and how to tell whether they did. */

/** Text at the beginning of a line here is a line that Slipway has not begun. */
const FORGED = 'FORGED';

/** Each would be obeyed by something: a terminal in 7 or 8 bits, a reader's eye, a runner of GitHub, Azure or TeamCity. */
export const ORDERS: readonly string[] = [
  '\x1b[2J\x1b[31mred',
  '\x1b]0;title\x07',
  '\x1b]52;c;c3RvbGVu\x07',
  '\x1b]8;;http://stranger.example\x1b\\link',
  '\x1bP+q544e\x1b\\\x1bc',
  '\x9b31mred\x9d0;title\x9c',
  `a\r${FORGED} done`,
  'a\b\b\x7f\0',
  'a\u202etxt.exe\u2066\u2069\u200e',
  'a\u200b\u200d\ufeff\u00ad\u{e0041}b',
  `a\u2028::error::b\u2029${FORGED}`,
  `a\n::error file=x::${FORGED}`,
  `a\n${FORGED}`,
  `a\r\n  ::set-output name=x::y`,
  `a%0A::error::b%0D`,
  'a\n##vso[task.setvariable variable=x]y',
  `a\n##[error]${FORGED}`,
  "a\n##teamcity[buildStatus status='SUCCESS']",
  `a\v::error::b\f${FORGED}\x85${FORGED}`,
  `a\t${FORGED}`,
  'a\ud800b',
];

export const HOSTILE = ORDERS.join(' ');
/** For arguments, environment and paths, which end at a NUL, and whose lone surrogates the system does not keep. */
export const HOSTILE_ARGUMENT = HOSTILE.replaceAll(/[\0\ud800]/g, '');
/** For names that the protocol lets hold no control characters. */
export const HOSTILE_LABEL = HOSTILE_ARGUMENT.replaceAll(/\p{Cc}/gu, ' ').slice(0, 200);
/** A file's name that has much of it, and is not too long. */
export const HOSTILE_NAME = `\x1b]0;t\x07\x9b2J\u202e\u200b\r${FORGED}\n${FORGED}\n::error::x\n##[error]y %0A`;

/** Parts of the text that would be obeyed, or that begin a line as only Slipway itself may; null: none. */
export function obeyed(text: string): string | null {
  const control = /(?!\n|\ufe0e|\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.exec(text);
  if (control !== null) return JSON.stringify(text.slice(Math.max(0, control.index - 60), control.index + 20));
  const line = text.split('\n').find((one) => /^\s*::|##\w{0,16}\[|^(?::\\u003a|##)|^[\s#]*FORGED/.test(one));
  return line === undefined ? null : JSON.stringify(line);
}
