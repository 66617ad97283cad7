import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CLOCK_SKEW_MS,
  encodeOrder,
  LONGEST_ORDER_LIFE_MS,
  ORDER_LIFE_MS,
  type Order,
  readOrder,
  requireOrder,
} from '../../src/protocol/order.ts';
import { readMembers } from '../../src/protocol/specification-reader.ts';

const NOW = 1_800_000_000_000;
const HOST = 'arn:aws:iam::000000000000:user/slipway/host-a';
const COMMAND = {
  HostIdentifier: HOST,
  DeploymentExecutionId: '000000000000/d-NEW/i-a/1',
  HostCommandIdentifier: 'c-1',
  CommandName: 'Install',
};
const ORDER: Order = {
  hostIdentifier: HOST,
  deploymentExecutionId: COMMAND.DeploymentExecutionId,
  hostCommandIdentifier: 'c-1',
  commandName: 'Install',
  issuedAtMs: NOW,
  expiresAtMs: NOW + ORDER_LIFE_MS,
};

const check = (order: Order | null, changes: { nowMs?: number; demanded?: boolean; deploymentId?: string } = {}) => {
  const { nowMs = NOW, demanded = true, deploymentId = 'd-NEW' } = changes;
  requireOrder({ command: COMMAND, hostIdentifier: HOST, isOrderDemanded: demanded, nowMs }, { deploymentId }, order);
};

describe('an order', () => {
  test('for this host, this command and this moment is accepted', () => {
    expect(() => check(ORDER)).not.toThrow();
    expect(() => check(ORDER, { nowMs: NOW - CLOCK_SKEW_MS })).not.toThrow();
    expect(() => check(ORDER, { nowMs: NOW + ORDER_LIFE_MS })).not.toThrow();
  });

  test.each([
    ['hostIdentifier', 'ENVELOPE_OTHER_HOST'],
    ['deploymentExecutionId', 'ENVELOPE_OTHER_DEPLOYMENT'],
    ['hostCommandIdentifier', 'ENVELOPE_OTHER_COMMAND'],
    ['commandName', 'ENVELOPE_OTHER_COMMAND'],
  ] as const)('an order whose %s is any other text is refused with %s, demanded or not', (member, code) => {
    const genuine = ORDER[member];
    const others = fc.oneof(
      fc.string(),
      fc.constantFrom(genuine[0] ?? '', `${genuine} `, ` ${genuine}`, genuine.toUpperCase(), genuine.slice(1)),
    );
    fc.assert(
      fc.property(others, fc.boolean(), (text, demanded) => {
        fc.pre(text !== genuine);
        expect(() => check({ ...ORDER, [member]: text }, { demanded })).toThrow(expect.objectContaining({ code }));
      }),
    );
  });

  test('is refused at every moment outside of its life, and when its life is longer than a ledger remembers', () => {
    const expired = expect.objectContaining({ code: 'ENVELOPE_EXPIRED' });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), fc.boolean(), (ms, demanded) => {
        expect(() => check(ORDER, { demanded, nowMs: ORDER.expiresAtMs + ms })).toThrow(expired);
        expect(() => check(ORDER, { demanded, nowMs: NOW - CLOCK_SKEW_MS - ms })).toThrow(expired);
        expect(() => check({ ...ORDER, expiresAtMs: NOW + LONGEST_ORDER_LIFE_MS + ms })).toThrow(expired);
        expect(() => check({ ...ORDER, expiresAtMs: NOW - ms })).toThrow(expired);
      }),
    );
  });

  test('an order that is missing is refused where orders are demanded, and only there', () => {
    expect(() => check(null)).toThrow(expect.objectContaining({ code: 'ENVELOPE_ORDER_MISSING' }));
    expect(() => check(null, { demanded: false })).not.toThrow();
  });

  test('is the same after it was written and read', () => {
    const json = JSON.stringify({ SlipwayOrder: encodeOrder(ORDER) });
    expect(readOrder(readMembers(json))).toEqual(ORDER);
    expect(readOrder(readMembers('{}'))).toBeNull();
  });

  test.each([
    'HostIdentifier',
    'DeploymentExecutionId',
    'HostCommandIdentifier',
    'CommandName',
    'IssuedAt',
    'ExpiresAt',
  ])('an order whose %s is missing or of another type makes the specification unusable', (member) => {
    for (const value of [undefined, null, true, [], {}, '', -1, 1.5]) {
      const json = JSON.stringify({ SlipwayOrder: { ...encodeOrder(ORDER), [member]: value } });
      expect(() => readOrder(readMembers(json))).toThrow(expect.objectContaining({ code: 'SPECIFICATION_INVALID' }));
    }
  });
});

describe('a command', () => {
  test('a command with the specification of another deployment is refused, with or without an order', () => {
    const refused = expect.objectContaining({ code: 'ENVELOPE_OTHER_DEPLOYMENT' });
    for (const deploymentId of ['d-OLD', 'd-NE', 'NEW', '', 'd-NEW/i-a']) {
      expect(() => check(null, { demanded: false, deploymentId })).toThrow(refused);
      expect(() => check(ORDER, { deploymentId })).toThrow(refused);
    }
  });

  test('a command with the execution id of AWS is taken with the specification of its deployment', () => {
    const DeploymentExecutionId = 'CodeDeploy/us-east-1/Prod/arn:aws:sds:us-east-1:000000000000:deployment/d-QMJ10MYTO';
    const demand = { hostIdentifier: HOST, isOrderDemanded: false, nowMs: NOW };
    const command = { ...COMMAND, DeploymentExecutionId };
    expect(() => requireOrder({ ...demand, command }, { deploymentId: 'd-QMJ10MYTO' }, null)).not.toThrow();
  });

  test('for a part of this host’s identifier is refused', () => {
    for (const HostIdentifier of ['a', HOST.slice(0, -1), HOST.slice(1), `${HOST}b`, '']) {
      const demand = {
        command: { ...COMMAND, HostIdentifier },
        hostIdentifier: HOST,
        isOrderDemanded: false,
        nowMs: NOW,
      };
      expect(() => requireOrder(demand, { deploymentId: 'd-NEW' }, null)).toThrow(
        expect.objectContaining({ code: 'ENVELOPE_OTHER_HOST' }),
      );
    }
  });
});
