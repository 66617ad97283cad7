/**
 * Plans how listeners and rules share traffic between the two target groups of a service, or of several pairs that move together. Pure.
 *
 * A deployment changes only the forward part of an action list. Other actions, conditions, priorities, and rules that forward to other groups
 * stay as they are.
 *
 * @see the API of Elastic Load Balancing v2, `ForwardActionConfig`: weights are relative, and a group of weight 0 still gets health checks
 */
import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2';

/** ARNs of the two target groups: blue serves now, green is to serve. */
interface OnePair {
  readonly blue: string;
  readonly green: string;
}

/** A pair, and those that move with it: every place forwards to one of them, and all places get the same share. */
export interface GroupPair extends OnePair {
  /** Absent: there is one pair alone. */
  readonly others?: readonly OnePair[];
}

/** Each pair by itself. */
export function eachPair({ blue, green, others = [] }: GroupPair): readonly OnePair[] {
  return [{ blue, green }, ...others];
}

/** A list of actions that can forward requests: the default actions of a listener, or those of a rule. */
export interface Place {
  /** ARN of the listener, or of the rule. */
  readonly arn: string;
  readonly kind: 'listener' | 'rule';
  readonly actions: readonly Action[];
}

/** A listener with its rules. */
export interface Route {
  readonly listenerArn: string;
  /** Whether the balancer can share traffic by weights. A Network Load Balancer forwards to one group at a time. */
  readonly hasWeights: boolean;
  /** The listener's default actions first, then its other rules. */
  readonly places: readonly Place[];
}

/** Several listeners as one route. A listener that is named twice counts once. */
export function joined(routes: readonly [Route, ...Route[]]): Route {
  const places = new Map(routes.flatMap((route) => route.places.map((place) => [place.arn, place] as const)));
  const listeners = new Set(routes.map(({ listenerArn }) => listenerArn));
  return {
    listenerArn: [...listeners].join(' and '),
    hasWeights: routes.every(({ hasWeights }) => hasWeights),
    places: [...places.values()],
  };
}

/**
 * How a place forwards: to nothing of the pair, to the pair alone, or to the pair and to others. `green` is the share of green in percent; it
 * need not be a whole number.
 */
export type Standing =
  | { readonly kind: 'other' }
  | { readonly kind: 'pair'; readonly green: number; readonly hasBlue: boolean; readonly hasGreen: boolean }
  | { readonly kind: 'mixed'; readonly others: readonly string[] };

interface WeightedGroup {
  readonly arn: string;
  readonly weight: number;
}

/** A forward action names its groups with weights, or one group alone. */
function groupsOf({ TargetGroupArn, ForwardConfig }: Action): readonly WeightedGroup[] {
  const listed = (ForwardConfig?.TargetGroups ?? []).flatMap(({ TargetGroupArn: arn, Weight }) =>
    arn === undefined ? [] : { arn, weight: Weight ?? 1 },
  );
  if (listed.length > 0) return listed;
  return TargetGroupArn === undefined ? [] : [{ arn: TargetGroupArn, weight: 1 }];
}

/** The pair that a place forwards to; null: none. A place that forwards to two of them is `mixed`. */
function pairAt({ actions }: Pick<Place, 'actions'>, pairs: GroupPair): OnePair | null {
  const arns = actions.filter(isForward).flatMap((action) => groupsOf(action).map(({ arn }) => arn));
  return eachPair(pairs).find(({ blue, green }) => arns.includes(blue) || arns.includes(green)) ?? null;
}

export function standingOf(place: Pick<Place, 'actions'>, pairs: GroupPair): Standing {
  const pair = pairAt(place, pairs);
  if (pair === null) return { kind: 'other' };
  const groups = place.actions.filter(isForward).flatMap(groupsOf);
  const own = groups.filter(({ arn }) => arn === pair.blue || arn === pair.green);
  const others = groups.filter((group) => !own.includes(group)).map(({ arn }) => arn);
  if (others.length > 0) return { kind: 'mixed', others };
  const all = weightOf(own);
  const ofGreen = weightOf(own.filter(({ arn }) => arn === pair.green));
  // Multiplied first: 7 of 100 is then exactly 7%.
  const green = all === 0 ? 0 : (ofGreen * 100) / all;
  const has = (wanted: string) => own.some(({ arn }) => arn === wanted);
  return { kind: 'pair', green, hasBlue: has(pair.blue), hasGreen: has(pair.green) };
}

function isForward({ Type }: Action): boolean {
  return Type === 'forward';
}

function weightOf(groups: readonly WeightedGroup[]): number {
  return groups.reduce((sum, { weight }) => sum + weight, 0);
}

/** The share of green over all places, as people are shown it; null: no place forwards to the pair. Places that differ have their mean. */
export function shownShare(route: Route, pair: GroupPair): number | null {
  const shares = sharesOf(route, pair).map(({ green }) => green);
  if (shares.length === 0) return null;
  return rounded(shares.reduce((sum, share) => sum + share, 0) / shares.length);
}

/** The places of a route that forward to the pair, with the share of green in percent. */
export function sharesOf(route: Route, pair: GroupPair): readonly { readonly arn: string; readonly green: number }[] {
  return route.places.flatMap((place) => {
    const standing = standingOf(place, pair);
    return standing.kind === 'pair' ? { arn: place.arn, green: standing.green } : [];
  });
}

/**
 * Returns the places of a route that are to be written, with their new actions; none: all are as they should be.
 *
 * @param green percent that green is to get, a whole number from 0 to 100. Both groups stay in the action, so that the one with weight 0
 *   still gets health checks. A balancer without weights forwards to one group: `green` must then be 0 or 100
 */
export function changesFor({ places, hasWeights }: Route, pair: GroupPair, green: number): readonly Place[] {
  if (!Number.isInteger(green) || green < 0 || green > 100) throw new RangeError(`${green} is no whole percentage`);
  if (!hasWeights && green !== 0 && green !== 100) {
    throw new RangeError(`a Network Load Balancer cannot send ${green}% of its traffic to a target group`);
  }
  return places
    .filter((place) => standingOf(place, pair).kind === 'pair')
    .filter((place) => !isAsWanted(place, pair, { green, hasWeights }))
    .map((place) => ({ ...place, actions: actionsFor(place, pair, { green, hasWeights }) }));
}

interface Wish {
  readonly green: number;
  readonly hasWeights: boolean;
}

function isAsWanted(place: Place, pair: GroupPair, { green, hasWeights }: Wish): boolean {
  const standing = standingOf(place, pair);
  if (standing.kind !== 'pair' || standing.green !== green) return false;
  const hasBoth = standing.hasBlue && standing.hasGreen;
  if (!hasWeights) return !hasBoth;
  // Somebody may have written 0 and 0, which gives nobody a share, or 0 and 1.
  const isInPercent = weightOf(place.actions.filter(isForward).flatMap(groupsOf)) === 100;
  return hasBoth && isInPercent && !isSticky(place);
}

function isSticky({ actions }: Place): boolean {
  return actions.some(({ ForwardConfig }) => ForwardConfig?.TargetGroupStickinessConfig?.Enabled === true);
}

/** Replaces the forward part; everything else stays in its order. */
function actionsFor(place: Place, pairs: GroupPair, wish: Wish): readonly Action[] {
  const pair = pairAt(place, pairs) ?? pairs;
  return place.actions.map((action) => {
    if (!isForward(action)) return withOwnSecret(action);
    const order = action.Order === undefined ? {} : { Order: action.Order };
    return { Type: 'forward' as const, ...order, ...forwardTo(pair, wish) };
  });
}

function forwardTo({ blue, green }: OnePair, wish: Wish): Pick<Action, 'TargetGroupArn' | 'ForwardConfig'> {
  if (!wish.hasWeights) return { TargetGroupArn: wish.green === 100 ? green : blue };
  return {
    ForwardConfig: {
      TargetGroups: [
        { TargetGroupArn: blue, Weight: 100 - wish.green },
        { TargetGroupArn: green, Weight: wish.green },
      ],
      TargetGroupStickinessConfig: { Enabled: false },
    },
  };
}

/** A description does not show the secret of an OIDC action, so the balancer is told to keep the one that it has. */
function withOwnSecret(action: Action): Action {
  const { AuthenticateOidcConfig: oidc } = action;
  if (oidc === undefined || oidc.ClientSecret !== undefined) return action;
  return { ...action, AuthenticateOidcConfig: { ...oidc, UseExistingClientSecret: true } };
}

/** A fault of a route that must be put right before traffic can move: its text says where, and what to do. */
export function faultOfRoute(route: Route, pairs: GroupPair): string | null {
  return eachPair(pairs).flatMap((pair) => faultOfPair(route, pair) ?? [])[0] ?? null;
}

function faultOfPair(route: Route, pair: OnePair): string | null {
  const standings = route.places.map((place) => ({ arn: place.arn, standing: standingOf(place, pair) }));
  for (const { arn, standing } of standings) {
    if (standing.kind !== 'mixed') continue;
    return (
      `${arn} forwards to a target group of the pair and also to ${standing.others.join(', ')}. ` +
      'Its traffic cannot be moved as a whole: let it forward to the two groups of the pair alone.'
    );
  }
  if (standings.some(({ standing }) => standing.kind === 'pair')) return null;
  return (
    `The listener ${route.listenerArn} and its rules forward to neither ${pair.blue} nor ${pair.green}. ` +
    'Let one of them forward to the target group of the running tasks.'
  );
}

/** A place whose share somebody else has changed, and the change in words. */
export interface ForeignChange {
  readonly arn: string;
  readonly words: string;
}

/**
 * Returns the places whose shares somebody else has changed since this deployment wrote them.
 *
 * @param written shares of green that a place may have: the one before, and the one that a call may have just written
 * @param known ARNs of the places that this deployment has written before; a new place is not a foreign change
 */
export function foreignChanges(
  route: Route,
  pairs: GroupPair,
  { written, known }: { readonly written: readonly number[]; readonly known: readonly string[] },
): readonly ForeignChange[] {
  const wanted = `this deployment had set ${[...new Set(written)].map((share) => `${share}%`).join(' or ')}`;
  // A rule that is gone forwards nothing.
  return route.places
    .filter(({ arn }) => known.includes(arn))
    .flatMap((place): ForeignChange[] => {
      const { arn } = place;
      const standing = standingOf(place, pairs);
      const green = pairAt(place, pairs)?.green;
      if (standing.kind !== 'pair') {
        return [{ arn, words: `${arn} does not forward to the pair of target groups alone any more; ${wanted}` }];
      }
      if (written.includes(standing.green)) return [];
      return [{ arn, words: `${arn} sends ${rounded(standing.green)}% to ${green}; ${wanted}` }];
    });
}

function rounded(percent: number): number {
  return Math.round(percent * 100) / 100;
}
