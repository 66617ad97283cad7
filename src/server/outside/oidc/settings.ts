/** The file behind `--oidc`: the OpenID Connect provider that signs people in to the console, and which of its claims give which role. */
import { readFileSync } from 'node:fs';
import { messageOf, SlipwayError } from '../../../errors.ts';
import { type KeyScope, problemOfScope } from '../../../protocol/management/key-scope.ts';
import { readAuthorities } from '../../../system/trust.ts';
import { invalidSettings, isSettings, type NamedThing, readSettings, type Settings } from '../named-settings.ts';
import { createReader, type Reader } from '../settings-reader.ts';

/** Roles of people; a claim makes nobody a host. */
export type PersonRole = 'admin' | 'operator' | 'viewer';

/** Role for people who have one of the values. The first rule that fits a person counts. */
export interface ClaimRule {
  readonly values: readonly string[];
  readonly role: PersonRole;
  /** null: the role is not limited to some applications. */
  readonly scope: KeyScope | null;
}

export interface OidcSettings {
  /** As the provider names itself; the ID token must name the same. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clientSecretFile: string;
  /** Address of this server as browsers have it: scheme, host and port. */
  readonly serverOrigin: string;
  /** Stands on the button of the sign-in page. */
  readonly label: string;
  readonly scopes: readonly string[];
  /** Names that lead to the claim: one, or several where a claim holds others. */
  readonly claim: readonly string[];
  readonly rules: readonly ClaimRule[];
  readonly sessionMs: number;
  /** Certificates, PEM, that are trusted for the provider beside Node's own. */
  readonly authorities: readonly string[];
}

const THING: NamedThing = { one: 'the provider', shownIn: 'docs/single-sign-on.md' };
const ROLES: readonly PersonRole[] = ['admin', 'operator', 'viewer'];
const LONGEST_SESSION_HOURS = 12;
const MS_PER_HOUR = 3_600_000;

/**
 * Reads YAML or JSON.
 *
 * @throws SlipwayError CONFIG_UNREADABLE naming the file, or CONFIG_INVALID naming the setting
 */
export function readOidcFile(file: string): OidcSettings {
  const reader = createReader({ file, thing: THING, name: '', settings: readSettings(file, THING) });
  const settings: OidcSettings = {
    issuer: issuerOf(reader),
    clientId: reader.text('clientId'),
    clientSecret: secretOf(reader),
    clientSecretFile: reader.path('clientSecretFile'),
    serverOrigin: originOf(reader),
    label: labelOf(reader),
    scopes: scopesOf(reader),
    claim: reader.words('claim', ['groups']),
    rules: rulesOf(file, reader),
    sessionMs: reader.number('sessionHours', LONGEST_SESSION_HOURS, LONGEST_SESSION_HOURS, 1) * MS_PER_HOUR,
    authorities: reader.has('caFile') ? authoritiesIn(reader.path('caFile')) : [],
  };
  return reader.done(settings);
}

/** Addresses that carry codes and sessions are HTTPS. On this machine alone nobody listens between. */
function safeUrl(reader: Reader, key: string): URL {
  const url = URL.parse(reader.url(key));
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw reader.wrong(key, 'must be an address without a name, a password, a ? and a #');
  }
  const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'https:' || isLocal) return url;
  throw reader.wrong(key, 'must be an https:// address; http:// is taken for this very machine alone');
}

function issuerOf(reader: Reader): string {
  safeUrl(reader, 'issuer');
  const issuer = reader.text('issuer');
  if (!issuer.includes('/.well-known/')) return issuer;
  throw reader.wrong('issuer', 'must be the issuer itself, without /.well-known/ and what follows');
}

function originOf(reader: Reader): string {
  const url = safeUrl(reader, 'serverUrl');
  if (url.pathname === '/') return url.origin;
  throw reader.wrong('serverUrl', 'must be the address alone, as https://deploy.example.com:8400, without a path');
}

function secretOf(reader: Reader): string {
  const path = reader.path('clientSecretFile');
  let secret: string;
  try {
    secret = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new SlipwayError('CONFIG_UNREADABLE', `clientSecretFile ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  }
  if (secret !== '') return secret;
  throw reader.wrong('clientSecretFile', `names ${path}, which is empty`);
}

function labelOf(reader: Reader): string {
  const label = reader.text('label', 'single sign-on');
  if (/^[^\p{C}]{1,40}$/u.test(label)) return label;
  throw reader.wrong('label', 'must have 1 to 40 letters in one line');
}

function scopesOf(reader: Reader): readonly string[] {
  const scopes = reader.words('scopes', ['openid', 'profile', 'email']);
  if (!scopes.includes('openid')) throw reader.wrong('scopes', 'must include openid');
  const wrong = scopes.find((scope) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope));
  if (wrong === undefined) return scopes;
  throw reader.wrong('scopes', `holds '${wrong}', which is no name of a scope`);
}

function authoritiesIn(caFile: string): readonly string[] {
  return readAuthorities({ env: {}, caFile, caFileFrom: 'caFile of the provider' });
}

function rulesOf(file: string, reader: Reader): readonly ClaimRule[] {
  const rules = reader.list('rules');
  if (rules.length === 0) throw reader.wrong('rules', 'must have one rule or more, or nobody could sign in');
  return rules.map((settings, index) => {
    const name = `rules[${index}]`;
    if (isSettings(settings)) return ruleOf(createReader({ file, thing: THING, name, settings }), file, name, settings);
    throw invalidSettings(file, THING, `${name} must hold values and a role`);
  });
}

function ruleOf(reader: Reader, file: string, name: string, settings: Settings): ClaimRule {
  const values = reader.words('values');
  const given = reader.text('role');
  const role = ROLES.find((known) => known === given);
  if (role === undefined) throw reader.wrong('role', `must be one of ${ROLES.join(', ')}`);
  const isLimited = ['applications', 'groups', 'hostTags'].some((key) => Object.hasOwn(settings, key));
  if (!isLimited) return reader.done({ values, role, scope: null });
  const scope: KeyScope = {
    applications: reader.words('applications', []),
    groups: reader.words('groups', []),
    hostTags: reader.words('hostTags', []).map((text) => {
      const [Key = '', ...value] = text.split('=');
      return { Key, Value: value.join('=') };
    }),
  };
  const problem = problemOfScope(scope, role);
  if (problem !== null) throw invalidSettings(file, THING, `${name} limits its role wrongly: ${problem}`);
  return reader.done({ values, role, scope });
}
