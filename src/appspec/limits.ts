/** Limits on an AppSpec file. Pure. */

/** No AppSpec file comes near this; a text that does is not one, and must not be parsed for minutes. */
export const MAX_CHARACTERS = 256 * 1024;
