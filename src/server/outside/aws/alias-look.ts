/** An alias of a function as Lambda has it, and as it is to be. Pure. */

/** An alias as Lambda has it. */
export interface AliasLook {
  /** ARN of the function, without the alias. */
  readonly functionArn: string;
  /** The version that gets what the weights leave. */
  readonly functionVersion: string;
  /** Percent by version, of the others. */
  readonly weights: Readonly<Record<string, number>>;
  /** Changes with each update: an update that names an older one is refused. */
  readonly revisionId: string;
}

export interface AliasWish {
  readonly functionVersion: string;
  readonly weights: Readonly<Record<string, number>>;
  /** The alias must still be as it was when this was read. */
  readonly revisionId: string;
}

/** The weights of an alias, as people read them. */
export function inWords(functionVersion: string, weights: Readonly<Record<string, number>>): string {
  const others = Object.entries(weights).map(([version, percent]) => `${percent} % to version ${version}`);
  return [`version ${functionVersion}`, ...others].join(', ');
}
