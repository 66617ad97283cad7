import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressOf, type Place, placeAt } from '../../src/console/routing/places.ts';

const name = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' });
const given = fc.option(name);
const place: fc.Arbitrary<Place> = fc.oneof(
  fc.constantFrom(
    { page: 'dashboard' },
    { page: 'applications' },
    { page: 'hosts', filter: { text: null, show: null } },
    { page: 'hosts', filter: { text: 'web 1&2', show: 'attention' } },
    { page: 'configs' },
    { page: 'keys' },
    { page: 'settings' },
  ) as fc.Arbitrary<Place>,
  fc.record({ page: fc.constant('application' as const), application: name }),
  fc.record({ page: fc.constantFrom('group' as const, 'edit-group' as const), application: name, group: name }),
  fc.record({ page: fc.constant('new-group' as const), application: name }),
  fc.record({ page: fc.constant('deployment' as const), id: name, target: given }),
  fc.record({ page: fc.constant('host' as const), name }),
  fc.record({ page: fc.constant('revisions' as const), application: given }),
  fc.record({ page: fc.constant('revision' as const), application: name, at: name, group: given }),
  fc.record({
    page: fc.constant('deployments' as const),
    filter: fc.record({ application: given, group: given, status: given }),
  }),
  fc.record({
    page: fc.constant('audit' as const),
    filter: fc.record({ actor: given, operation: given, application: given }),
  }),
);

test('every place has an address that leads back to it, also through a browser', () => {
  fc.assert(
    fc.property(place, (there) => {
      const url = new URL(addressOf(there), 'http://127.0.0.1:8400');
      expect(url.host).toBe('127.0.0.1:8400');
      expect(placeAt(url.pathname, url.search)).toEqual(there);
    }),
  );
});

describe('names that mean something in an address', () => {
  test.each(['.', '..', '...', '~', '~.', 'a/b', '%2e%2e', '?', '#', 'assets'])(
    '%s is a name like any other',
    (application) => {
      const url = new URL(addressOf({ page: 'application', application }), 'http://127.0.0.1:8400');
      expect(placeAt(url.pathname, url.search)).toEqual({ page: 'application', application });
    },
  );
});

test.each(['/', '/other', '/consoles', '/console/nothing', '/console/hosts/%zz', '/console/applications/a/b/c'])(
  '%s is no page of the console',
  (path) => {
    expect(placeAt(path, '')).toEqual({ page: 'unknown' });
  },
);
