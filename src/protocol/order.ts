/**
 * The order in a signed specification: which host may carry out which command of which execution, and until when. Pure.
 *
 * A signature alone says that the server once wrote a specification. A replayed answer has a true signature, too: of another host, of
 * another deployment, or of yesterday. So Slipway's server signs the order as a further member of the specification. Official agents
 * ignore members that they do not know.
 */
import { SlipwayError } from '../errors.ts';
import type { HostCommand } from './host-command/shapes.ts';
import { invalid, type Members } from './specification-reader.ts';
import { COMMAND_ID_BYTES } from './wire-text.ts';

/** The member of the specification's JSON that holds the order. */
export const ORDER_MEMBER = 'SlipwayOrder';

export interface Order {
  readonly hostIdentifier: string;
  readonly deploymentExecutionId: string;
  readonly hostCommandIdentifier: string;
  readonly commandName: string;
  /** Epoch milliseconds; whole seconds on the wire. */
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * How long the server lets an order be valid. An agent opens an order within seconds. Half of the time allows for a throttled or broken
 * connection, half for clocks that differ by as much as a signed request may.
 */
export const ORDER_LIFE_MS = 10 * 60_000;
/** How far a host's clock may be behind the server's. Signed requests allow as much. */
export const CLOCK_SKEW_MS = 5 * 60_000;
/** An agent accepts no order with a longer life: its ledger must remember every command for longer than its order is valid. */
export const LONGEST_ORDER_LIFE_MS = 30 * 60_000;

/** The order as a member of the specification's JSON; times are epoch seconds. */
export function encodeOrder(order: Order): Record<string, unknown> {
  return {
    HostIdentifier: order.hostIdentifier,
    DeploymentExecutionId: order.deploymentExecutionId,
    HostCommandIdentifier: order.hostCommandIdentifier,
    CommandName: order.commandName,
    IssuedAt: Math.floor(order.issuedAtMs / 1000),
    ExpiresAt: Math.floor(order.expiresAtMs / 1000),
  };
}

/**
 * The order of a specification; null: it has none.
 *
 * @throws SlipwayError SPECIFICATION_INVALID when one of its members is missing or of the wrong type
 */
export function readOrder(specification: Members): Order | null {
  const order = specification.object(ORDER_MEMBER);
  if (order === null) return null;
  return {
    hostIdentifier: order.required('HostIdentifier', COMMAND_ID_BYTES),
    deploymentExecutionId: order.required('DeploymentExecutionId', COMMAND_ID_BYTES),
    hostCommandIdentifier: order.required('HostCommandIdentifier', COMMAND_ID_BYTES),
    commandName: order.required('CommandName'),
    issuedAtMs: seconds(order, 'IssuedAt') * 1000,
    expiresAtMs: seconds(order, 'ExpiresAt') * 1000,
  };
}

function seconds(order: Members, name: string): number {
  const value = order.value(name);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value < 1e11) return value;
  throw invalid(`${order.pathOf(name)} is not a time in seconds since 1970`);
}

/** Facts that a specification must match: the command that the poll brought, and this host. */
export interface OrderDemand {
  readonly command: Pick<
    HostCommand,
    'HostIdentifier' | 'DeploymentExecutionId' | 'HostCommandIdentifier' | 'CommandName'
  >;
  /** This host's own. */
  readonly hostIdentifier: string;
  /** Whether a specification without an order is refused. */
  readonly isOrderDemanded: boolean;
  readonly nowMs: number;
}

/**
 * Demands that a specification belongs to the command that is about to be carried out. All comparisons are exact.
 *
 * Also without an order, from an official service, the deployment must be one of the execution id's parts: AWS's ids end with it
 * (`CodeDeploy/us-east-1/Prod/arn:aws:sds:…:deployment/d-ABC`).
 *
 * @throws SlipwayError ENVELOPE_OTHER_HOST, ENVELOPE_OTHER_DEPLOYMENT, ENVELOPE_ORDER_MISSING, ENVELOPE_OTHER_COMMAND, ENVELOPE_EXPIRED
 */
export function requireOrder(
  { command, hostIdentifier, isOrderDemanded, nowMs }: OrderDemand,
  specification: { readonly deploymentId: string },
  order: Order | null,
): void {
  if (command.HostIdentifier !== hostIdentifier) {
    throw new SlipwayError(
      'ENVELOPE_OTHER_HOST',
      `the command is for the host '${short(command.HostIdentifier)}', and this is ${hostIdentifier}`,
    );
  }
  if (!command.DeploymentExecutionId.split('/').includes(specification.deploymentId)) {
    throw new SlipwayError(
      'ENVELOPE_OTHER_DEPLOYMENT',
      `the command belongs to the execution '${short(command.DeploymentExecutionId)}', but its specification is of the deployment ${specification.deploymentId}`,
    );
  }
  if (order !== null) requireSameOrder(order, command, hostIdentifier);
  else if (isOrderDemanded) {
    throw new SlipwayError(
      'ENVELOPE_ORDER_MISSING',
      `the specification for ${short(command.CommandName)} does not say which command it was signed for (member ${ORDER_MEMBER})`,
    );
  }
  if (order !== null) requireValidNow(order, nowMs);
}

/** @throws SlipwayError ENVELOPE_EXPIRED when an order is not valid at this moment */
export function requireValidNow(order: Pick<Order, 'issuedAtMs' | 'expiresAtMs'>, nowMs: number): void {
  const { issuedAtMs, expiresAtMs } = order;
  const lifeMs = expiresAtMs - issuedAtMs;
  const isSound = lifeMs > 0 && lifeMs <= LONGEST_ORDER_LIFE_MS;
  if (isSound && issuedAtMs - CLOCK_SKEW_MS <= nowMs && nowMs <= expiresAtMs) return;
  const [from, until, now] = [issuedAtMs, expiresAtMs, nowMs].map((ms) => new Date(ms).toISOString());
  const limit = isSound ? '' : `, which is not a life of at most ${LONGEST_ORDER_LIFE_MS / 60_000} minutes`;
  throw new SlipwayError(
    'ENVELOPE_EXPIRED',
    `the signed order is valid from ${from} until ${until}${limit}, and here it is ${now}`,
  );
}

function requireSameOrder(order: Order, command: OrderDemand['command'], hostIdentifier: string): void {
  if (order.hostIdentifier !== hostIdentifier) {
    throw new SlipwayError(
      'ENVELOPE_OTHER_HOST',
      `the specification was signed for the host '${short(order.hostIdentifier)}', and this is ${hostIdentifier}`,
    );
  }
  if (order.deploymentExecutionId !== command.DeploymentExecutionId) {
    throw new SlipwayError(
      'ENVELOPE_OTHER_DEPLOYMENT',
      `the specification was signed for the execution '${short(order.deploymentExecutionId)}', but the command belongs to '${short(command.DeploymentExecutionId)}'`,
    );
  }
  const isSame =
    order.hostCommandIdentifier === command.HostCommandIdentifier && order.commandName === command.CommandName;
  if (isSame) return;
  throw new SlipwayError(
    'ENVELOPE_OTHER_COMMAND',
    `the specification was signed for ${short(order.commandName)} (${short(order.hostCommandIdentifier)}), but the command is ${short(command.CommandName)} (${short(command.HostCommandIdentifier)})`,
  );
}

/** Part of a message that a server may have filled with anything. */
function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
