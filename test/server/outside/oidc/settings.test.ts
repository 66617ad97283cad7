import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOidcFile } from '../../../../src/server/outside/oidc/settings.ts';
import { scratchFolder } from '../../../support/scratch.ts';

const scratch = scratchFolder();
const secret = scratch.at('secret');
beforeAll(() => {
  writeFileSync(secret, ' what both know \n');
  writeFileSync(scratch.at('empty'), '\n');
});
afterAll(() => scratch[Symbol.dispose]());

const RULES = [{ values: ['all'], role: 'viewer' }];
const LEAST = {
  ...{ issuer: 'https://sso.example/realms/main', clientId: 'slipway', clientSecretFile: secret },
  ...{ serverUrl: 'https://deploy.example:8400', rules: RULES },
};
const read = (settings: object) => {
  const file = scratch.at('oidc.yml');
  writeFileSync(file, JSON.stringify(settings));
  return readOidcFile(file);
};

test('a setting that is left out has its default', () => {
  expect(read(LEAST)).toEqual({
    ...{
      issuer: LEAST.issuer,
      clientId: 'slipway',
      clientSecret: 'what both know',
      clientSecretFile: secret,
      serverOrigin: LEAST.serverUrl,
    },
    ...{ label: 'single sign-on', scopes: ['openid', 'profile', 'email'], claim: ['groups'], authorities: [] },
    ...{ sessionMs: 12 * 3_600_000, rules: [{ values: ['all'], role: 'viewer', scope: null }] },
  });
});

test('a rule may limit its role', () => {
  const rule = { values: 'shop', role: 'operator', applications: ['shop-*'], hostTags: ['Team=shop'] };
  const scope = { applications: ['shop-*'], groups: [], hostTags: [{ Key: 'Team', Value: 'shop' }] };
  expect(read({ ...LEAST, rules: [rule] }).rules).toEqual([{ values: ['shop'], role: 'operator', scope }]);
});

test.each<[object, string]>([
  [{ issuer: undefined }, 'issuer is missing'],
  [{ issuer: 'http://sso.example' }, 'issuer must be an https:// address'],
  [{ issuer: 'http://127.0.0.1.evil.example' }, 'issuer must be an https:// address'],
  [{ issuer: 'https://sso.example/.well-known/openid-configuration' }, 'issuer must be the issuer itself'],
  [{ issuer: 'https://user:secret@sso.example' }, 'issuer must be an address without'],
  [{ clientId: '' }, 'clientId must be a text'],
  [{ clientSecretFile: 'secret' }, 'clientSecretFile must be an absolute path'],
  [{ clientSecretFile: '/nowhere/secret' }, 'clientSecretFile /nowhere/secret cannot be read'],
  [{ clientSecretFile: scratch.at('empty') }, 'which is empty'],
  [{ clientSecret: 'here' }, 'clientSecret is not known'],
  [{ serverUrl: 'http://deploy.example' }, 'serverUrl must be an https:// address'],
  [{ serverUrl: 'https://deploy.example/console' }, 'without a path'],
  [{ scopes: ['email'] }, 'scopes must include openid'],
  [{ scopes: ['openid', 'a b'] }, 'no name of a scope'],
  [{ claim: [] }, 'claim must be a text, or a list'],
  [{ label: 'x'.repeat(41) }, 'label must have 1 to 40'],
  [{ sessionHours: 13 }, 'sessionHours must be a whole number from 1 to 12'],
  [{ caFile: '/nowhere/ca.pem' }, '/nowhere/ca.pem'],
  [{ rules: undefined }, 'rules is missing'],
  [{ rules: [] }, 'rules must have one rule'],
  [{ rules: ['all'] }, 'rules[0] must hold values and a role'],
  [{ rules: [...RULES, { values: ['x'], role: 'host' }] }, 'rules[1].role must be one of admin, operator, viewer'],
  [{ rules: [{ values: [], role: 'viewer' }] }, 'rules[0].values must be a text, or a list'],
  [{ rules: [{ role: 'viewer' }] }, 'rules[0].values is missing'],
  [{ rules: [{ values: ['x'], role: 'admin', applications: ['a'] }] }, 'rules[0] limits its role wrongly'],
  [{ rules: [{ values: ['x'], role: 'viewer', group: ['a/b'] }] }, 'rules[0].group is not known'],
])('%j is refused by the name of the setting', (part, message) => {
  expect(() => read({ ...LEAST, ...part })).toThrowError(message);
});
