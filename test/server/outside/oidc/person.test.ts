import { expect, test } from 'vitest';
import { personOf } from '../../../../src/server/outside/oidc/person.ts';
import type { ClaimRule } from '../../../../src/server/outside/oidc/settings.ts';

const ADMINS: ClaimRule = { values: ['admins'], role: 'admin', scope: null };
const ALL: ClaimRule = { values: ['all', 'others'], role: 'viewer', scope: null };
const settings = { issuer: 'https://sso.example', claim: ['groups'], rules: [ADMINS, ALL] };

test.each<[string, object, readonly string[], string | null]>([
  [
    'the first rule that fits counts, whatever the order of the claim',
    { groups: ['all', 'admins'] },
    ['groups'],
    'admin',
  ],
  ['a claim may be one text', { groups: 'others' }, ['groups'], 'viewer'],
  ['a claim may stand in another one', { realm_access: { roles: ['all'] } }, ['realm_access', 'roles'], 'viewer'],
  ['a name with dots is one name', { 'https://x.example/roles': ['all'] }, ['https://x.example/roles'], 'viewer'],
  ['a part of a value fits nothing', { groups: ['admins-of-nothing', 'all,admins'] }, ['groups'], null],
  ['the case of letters counts', { groups: ['Admins'] }, ['groups'], null],
  ['other values than texts fit nothing', { groups: [true, 1, { admins: true }, ['admins']] }, ['groups'], null],
  ['what every object has is no claim', {}, ['constructor', 'name'], null],
])('%s', (_what, claims, claim, role) => {
  const outcome = personOf({ sub: 'ada', ...claims }, { ...settings, claim });
  expect(outcome.ending === 'person' ? outcome.person.role : null).toBe(role);
});

test('the outcome says that the claim is missing, and an empty claim is another thing', () => {
  expect(personOf({ sub: 'ada' }, settings)).toMatchObject({ ending: 'no-role', values: null, claim: 'groups' });
  expect(personOf({ sub: 'ada', groups: [] }, settings)).toMatchObject({ ending: 'no-role', values: [] });
});

test.each([undefined, '', 7, 'a b', 'a\nb', 'ä', 'x'.repeat(256)])('a subject %j names nobody', (sub) => {
  expect(personOf({ sub, groups: ['all'] }, settings)).toMatchObject({ ending: 'refused' });
});

test.each([
  [{ name: 'Ada Lovelace', email: 'ada@x.example' }, 'Ada Lovelace'],
  [{ name: ' ', preferred_username: 'ada', email: 'ada@x.example' }, 'ada'],
  [{ email: 'ada@x.example' }, 'ada@x.example'],
  [{ name: { first: 'Ada' } }, 'f00'],
  [{ name: 'Ada\n2026 ERROR \u202eelif\u2028.' }, 'Ada2026 ERROR elif.'],
  [{ name: '😀'.repeat(200) }, '😀'.repeat(120)],
])('%j is shown as %s', (claims, name) => {
  expect(personOf({ sub: 'f00', groups: 'all', ...claims }, settings)).toMatchObject({ person: { name } });
});
