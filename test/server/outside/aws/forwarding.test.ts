import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changesFor,
  faultOfRoute,
  foreignChanges,
  type Place,
  type Route,
  sharesOf,
  standingOf,
} from '../../../../src/server/outside/aws/forwarding.ts';

const PAIR = { blue: 'arn:blue', green: 'arn:green' };
const weighted = (...groups: readonly (readonly [string, number])[]): Action => ({
  Type: 'forward',
  ForwardConfig: { TargetGroups: groups.map(([TargetGroupArn, Weight]) => ({ TargetGroupArn, Weight })) },
});
const single = (TargetGroupArn: string): Action => ({ Type: 'forward', TargetGroupArn });
const LOGIN: Action = {
  Type: 'authenticate-oidc',
  Order: 1,
  AuthenticateOidcConfig: {
    ...{ Issuer: 'https://login', AuthorizationEndpoint: 'https://login/a', TokenEndpoint: 'https://login/t' },
    ...{ UserInfoEndpoint: 'https://login/u', ClientId: 'shop' },
  },
};
const route = (...lists: readonly (readonly Action[])[]): Route => ({
  listenerArn: 'arn:listener',
  hasWeights: true,
  places: lists.map((actions, index): Place => {
    return index === 0
      ? { arn: 'arn:listener', kind: 'listener', actions }
      : { arn: `arn:rule-${index}`, kind: 'rule', actions };
  }),
});

const share = fc.integer({ min: 0, max: 100 });
const weight = fc.integer({ min: 0, max: 999 });
/** Actions of the pair, as anybody may have written them. */
const ofPair = fc.oneof(
  fc.constantFrom(PAIR.blue, PAIR.green).map((arn) => [single(arn)]),
  fc.tuple(weight, weight).map(([blue, green]) => [weighted([PAIR.blue, blue], [PAIR.green, green])]),
  fc.constantFrom(PAIR.blue, PAIR.green).map((arn) => [LOGIN, { ...single(arn), Order: 2 }]),
);
/** Actions that are none of the deployment's business. */
const ofOthers = fc.oneof(
  fc.constant([single('arn:other')]),
  fc.tuple(weight, weight).map(([a, b]) => [weighted(['arn:other', a], ['arn:third', b])]),
  fc.constant<Action[]>([{ Type: 'redirect', RedirectConfig: { StatusCode: 'HTTP_301' } }]),
);
const routes = fc.array(fc.oneof(ofPair, ofOthers), { minLength: 1, maxLength: 6 }).map((lists) => route(...lists));

/** The route once the changes are written. */
function written(before: Route, changes: readonly Place[]): Route {
  return { ...before, places: before.places.map((place) => changes.find(({ arn }) => arn === place.arn) ?? place) };
}

describe('the plan of a listener and its rules', () => {
  test('gives every place of the pair the wanted share, with both groups and weights that sum to 100', () => {
    fc.assert(
      fc.property(routes, share, (before, green) => {
        const after = written(before, changesFor(before, PAIR, green));
        for (const place of after.places) {
          const standing = standingOf(place, PAIR);
          if (standing.kind !== 'pair') continue;
          expect(standing).toEqual({ kind: 'pair', green, hasBlue: true, hasGreen: true });
          const forwards = place.actions.filter(({ Type }) => Type === 'forward');
          for (const { ForwardConfig } of forwards) {
            const weights = (ForwardConfig?.TargetGroups ?? []).map(({ Weight = 0 }) => Weight);
            expect(weights.reduce((sum, one) => sum + one, 0)).toBe(100);
            expect(ForwardConfig?.TargetGroupStickinessConfig).toEqual({ Enabled: false });
          }
        }
      }),
    );
  });

  test.each([
    { was: 'that gives nobody a share', weights: [0, 0], green: 0 },
    { was: 'that has its share in other numbers', weights: [0, 1], green: 100 },
    { was: 'that has its share in larger numbers', weights: [400, 400], green: 50 },
  ])('writes a place $was in percent', ({ weights: [blue = 0, ofGreen = 0], green }) => {
    const before = route([weighted([PAIR.blue, blue], [PAIR.green, ofGreen])]);
    expect(changesFor(before, PAIR, green)[0]?.actions[0]?.ForwardConfig?.TargetGroups).toEqual([
      { TargetGroupArn: PAIR.blue, Weight: 100 - green },
      { TargetGroupArn: PAIR.green, Weight: green },
    ]);
  });

  test('has nothing to change once it is written', () => {
    fc.assert(
      fc.property(routes, share, (before, green) => {
        const after = written(before, changesFor(before, PAIR, green));
        expect(changesFor(after, PAIR, green)).toEqual([]);
      }),
    );
  });

  test('leaves places of other groups alone, and every action that does not forward', () => {
    fc.assert(
      fc.property(routes, share, (before, green) => {
        for (const change of changesFor(before, PAIR, green)) {
          const place = before.places.find(({ arn }) => arn === change.arn);
          expect(standingOf(place ?? change, PAIR).kind).toBe('pair');
          expect(change.kind).toBe(place?.kind);
          expect(change.actions.map(({ Type, Order }) => [Type, Order])).toEqual(
            place?.actions.map(({ Type, Order }) => [Type, Order]),
          );
        }
      }),
    );
  });

  test('tells the balancer to keep the secret of a login that it does not show', () => {
    const [change] = changesFor(route([LOGIN, { ...single(PAIR.blue), Order: 2 }]), PAIR, 10);
    expect(change?.actions[0]?.AuthenticateOidcConfig).toMatchObject({
      ClientId: 'shop',
      UseExistingClientSecret: true,
    });
  });

  test('writes a place again that is sticky, because requests would stay with the old tasks', () => {
    const sticky: Action = {
      Type: 'forward',
      ForwardConfig: {
        ...weighted([PAIR.blue, 90], [PAIR.green, 10]).ForwardConfig,
        TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 600 },
      },
    };
    expect(changesFor(route([sticky]), PAIR, 10)).toHaveLength(1);
  });

  test('the plan of a Network Load Balancer forwards to one group, and refuses a part of the traffic', () => {
    const network: Route = { ...route([single(PAIR.blue)]), hasWeights: false };
    expect(changesFor(network, PAIR, 0)).toEqual([]);
    expect(changesFor(network, PAIR, 100)).toMatchObject([
      { actions: [{ Type: 'forward', TargetGroupArn: PAIR.green }] },
    ]);
    expect(() => changesFor(network, PAIR, 10)).toThrow('Network Load Balancer');
  });

  test.each([-1, 101, 0.5, Number.NaN])('refuses %s as a percentage', (percent) => {
    expect(() => changesFor(route([single(PAIR.blue)]), PAIR, percent)).toThrow(RangeError);
  });
});

describe('a route before a deployment', () => {
  test('has no fault when one of its places forwards to the pair alone', () => {
    expect(faultOfRoute(route([single('arn:other')], [single(PAIR.blue)]), PAIR)).toBeNull();
  });

  test('is refused when it forwards to neither group, with both names', () => {
    const fault = faultOfRoute(route([single('arn:other')]), PAIR);
    expect(fault).toContain('arn:listener');
    expect(fault).toContain('neither arn:blue nor arn:green');
  });

  test('is refused when a rule forwards to the pair and to others, with the name of the rule', () => {
    const fault = faultOfRoute(route([single(PAIR.blue)], [weighted([PAIR.blue, 1], ['arn:other', 1])]), PAIR);
    expect(fault).toContain('arn:rule-1');
    expect(fault).toContain('arn:other');
  });
});

describe('a change by somebody else', () => {
  const known = ['arn:listener', 'arn:rule-1'];
  const at = (green: number) => weighted([PAIR.blue, 100 - green], [PAIR.green, green]);

  test('is none while every place has the last share or the one that is being written', () => {
    fc.assert(
      fc.property(share, share, fc.boolean(), (last, next, isWritten) => {
        const live = route([at(isWritten ? next : last)], [at(last)]);
        expect(foreignChanges(live, PAIR, { written: [last, next], known })).toEqual([]);
      }),
    );
  });

  test.each([
    ['another share', [at(37)], '37%'],
    ['another target group', [single('arn:other')], 'does not forward to the pair'],
  ])('is seen: %s', (_what, actions, words) => {
    const changes = foreignChanges(route([at(10)], actions), PAIR, { written: [10, 20], known });
    expect(changes.map(({ arn }) => arn)).toEqual(['arn:rule-1']);
    expect(changes[0]?.words).toContain(words);
    expect(changes[0]?.words).toContain('10% or 20%');
  });

  test('is not a rule that came or went meanwhile', () => {
    expect(foreignChanges(route([at(10)]), PAIR, { written: [10], known })).toEqual([]);
    const withNew = route([at(10)], [at(10)], [single(PAIR.blue)]);
    expect(foreignChanges(withNew, PAIR, { written: [10], known })).toEqual([]);
    expect(sharesOf(withNew, PAIR)).toEqual([
      { arn: 'arn:listener', green: 10 },
      { arn: 'arn:rule-1', green: 10 },
      { arn: 'arn:rule-2', green: 0 },
    ]);
  });
});
