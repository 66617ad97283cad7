/** Headers that change the method of a request. Pure. */

/** Headers by which some servers take a request for one of another method. A signature over the method would say nothing then. */
const OVERRIDES: ReadonlySet<string> = new Set(['x-http-method-override', 'x-http-method', 'x-method-override']);

/** Whether a header, named in lower case, asks for another method than the request has. */
export function overridesMethod(name: string): boolean {
  return OVERRIDES.has(name);
}
