/** Finds out who somebody is by the claims of the provider, and which role these give. Pure. */
import type { KeyScope } from '../../../protocol/management/key-scope.ts';
import type { OidcSettings, PersonRole } from './settings.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Somebody whom the provider has signed in. */
export interface Person {
  readonly issuer: string;
  /** The provider's name for the person; it never changes, and nobody else of this provider ever has it. */
  readonly subject: string;
  /** For people to read; the person may have chosen it. */
  readonly name: string;
  readonly role: PersonRole;
  readonly scope: KeyScope | null;
}

export type PersonOutcome =
  | { readonly ending: 'person'; readonly person: Person }
  /** `values`: of the claim; null: the provider has sent no such claim. */
  | {
      readonly ending: 'no-role';
      readonly subject: string;
      readonly name: string;
      readonly claim: string;
      readonly values: readonly string[] | null;
    }
  | { readonly ending: 'refused'; readonly why: string };

/** OpenID Connect Core 1.0, section 2: up to 255 characters of ASCII. */
const SUBJECT = /^[\x21-\x7e]{1,255}$/;
const MAX_NAME = 120;

export function personOf(
  claims: Claims,
  { issuer, claim, rules }: Pick<OidcSettings, 'issuer' | 'claim' | 'rules'>,
): PersonOutcome {
  const { sub: subject } = claims;
  if (typeof subject !== 'string' || !SUBJECT.test(subject)) {
    return {
      ending: 'refused',
      why: 'the provider names the person (sub) by more than 255 letters, or by other letters than ASCII',
    };
  }
  const name = readableName(claims) ?? subject;
  const values = valuesOf(claims, claim);
  const rule = rules.find((one) => one.values.some((value) => values?.includes(value) === true));
  if (rule === undefined) return { ending: 'no-role', subject, name, claim: claim.join('.'), values };
  const { role, scope } = rule;
  return { ending: 'person', person: { issuer, subject, name, role, scope } };
}

/** The texts of a claim, which may be one text or a list; null: there is no such claim. */
export function valuesOf(claims: Claims, path: readonly string[]): readonly string[] | null {
  const value = path.reduce<unknown>(
    (found, name) => (isClaims(found) && Object.hasOwn(found, name) ? found[name] : undefined),
    claims,
  );
  if (value === undefined || value === null) return null;
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string');
}

function readableName(claims: Claims): string | null {
  for (const claim of ['name', 'preferred_username', 'email']) {
    const { [claim]: value } = claims;
    if (typeof value !== 'string') continue;
    // Signs that turn the direction of a line, or end it, would make another name of it in a log.
    const name = value.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '').trim();
    if (name !== '') return [...name].slice(0, MAX_NAME).join('');
  }
  return null;
}

function isClaims(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
