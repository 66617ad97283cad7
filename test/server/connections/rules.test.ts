import { describe, expect, test } from 'vitest';
import { clientOf } from '../../../src/server/connections/address.ts';
import { findClientBehind } from '../../../src/server/connections/forwarded.ts';
import { connectionLimits } from '../../../src/server/connections/limits.ts';
import { nextReading, nextWindow } from '../../../src/server/connections/progress.ts';
import { createRoster, type Guest } from '../../../src/server/connections/roster.ts';
import { readNetwork } from '../../../src/system/network.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  [undefined, ''],
])('the address %s belongs to the client %s', (address, client) => {
  expect(clientOf(address)).toBe(client);
});

const guest = (client: string): Guest => ({ client, standing: 'silent', key: null });

test('when all places are taken the oldest silent guest of the client that has most of them leaves', () => {
  const roster = createRoster({ connections: 4, silentPerAddress: 4, knownPerKey: 4 });
  const [lonely, first, second, third] = ['a', 'b', 'b', 'b'].map(guest) as [Guest, Guest, Guest, Guest];
  for (const one of [lonely, first, second, third]) expect(roster.admit(one)).toBeNull();
  roster.know(first, 'key');
  expect(roster.admit(guest('c'))).toBe(second);
  expect(roster.size).toBe(4);
});

test('a client that asks leaves only when nobody is silent, and a known client never', () => {
  const roster = createRoster({ connections: 2, silentPerAddress: 2, knownPerKey: 2 });
  const [asking, known] = [guest('a'), guest('b')];
  roster.admit(asking);
  roster.admit(known);
  roster.hear(asking);
  roster.know(known, 'key');
  const silent = guest('c');
  expect(roster.admit(silent)).toBe(asking);
  roster.know(silent, 'key');
  expect(roster.admit(guest('d'))).toBe('refused');
});

test('a key has a number of known guests; a further one goes on asking and leaves for a newcomer, until one of them has gone', () => {
  const roster = createRoster({ connections: 4, silentPerAddress: 4, knownPerKey: 2 });
  const [first, second, third, other] = ['a', 'b', 'c', 'd'].map(guest) as [Guest, Guest, Guest, Guest];
  for (const one of [first, second, third, other]) {
    roster.admit(one);
    roster.hear(one);
  }
  for (const one of [first, second, third]) roster.know(one, 'greedy');
  roster.know(other, 'modest');
  expect([first, second, third, other].map(({ standing }) => standing)).toEqual(['known', 'known', 'asking', 'known']);
  const newcomer = guest('e');
  expect(roster.admit(newcomer)).toBe(third);
  roster.remove(first);
  roster.hear(newcomer);
  roster.know(newcomer, 'greedy');
  expect(newcomer).toMatchObject({ standing: 'known', key: 'greedy' });
});

test('a fleet of 5 000 hosts behind one address is let in by rounds, each as large as the bound for silent ones', () => {
  const limits = connectionLimits(65_536);
  const roster = createRoster(limits);
  let waiting = Array.from({ length: 5_000 }, () => guest('192.0.2.7'));
  const rounds: number[] = [];
  let keys = 0;
  while (waiting.length > 0) {
    const away: Guest[] = [];
    for (const host of waiting) {
      const leaving = roster.admit(host);
      if (leaving === 'refused') away.push(host);
      else if (leaving !== null) away.push(leaving);
    }
    for (const host of roster.all()) roster.know(host, `key-${++keys}`);
    rounds.push(waiting.length - away.length);
    waiting = away;
  }
  expect(rounds).toEqual([4_096, 904]);
  expect(roster.size).toBe(5_000);
});

test.each([
  [1024, 768, 384],
  [64, 32, 16],
  [65_536, 32_768, 4_096],
  [null, 768, 384],
])('%s open files leave places for %i connections, %i of them silent ones of one address', (files, all, silent) => {
  expect(connectionLimits(files)).toMatchObject({ connections: all, silentPerAddress: silent });
});

const RATE = { windowMs: 1_000, leastBytesPerSecond: 100 };

test('a body is given up after a window in which it brought less than the least rate', () => {
  const begun = nextWindow(null, 0, 0, RATE);
  expect(nextWindow(begun, 10, 999, RATE)).toBe(begun);
  expect(nextWindow(begun, 99, 1_000, RATE)).toBeNull();
  expect(nextWindow(begun, 100, 1_000, RATE)).toEqual({ startedAtMs: 1_000, bytesThen: 100 });
});

test('a reader is given up when it takes nothing for as long as what waits needs at the least rate, five minutes at most', () => {
  const begun = nextReading(null, 50, 200, 0, RATE);
  expect(nextReading(begun, 50, 200, 3_000, RATE)).toBe(begun);
  expect(nextReading(begun, 50, 200, 3_001, RATE)).toBeNull();
  expect(nextReading(begun, 51, 199, 3_001, RATE)).toEqual({ takenBytes: 51, sinceMs: 3_001 });
  expect(nextReading(begun, 50, 1e9, 300_001, RATE)).toBeNull();
});

describe('a request that comes', () => {
  const find = findClientBehind(['10.0.0.5', '10.1.0.0/16', '2001:db8:f::/48']);

  test.each([
    ['from a client, counts for it, whatever it writes', '192.0.2.7', '198.51.100.1', '192.0.2.7'],
    ['from a trusted proxy, counts for the client', '10.0.0.5', '198.51.100.1', '198.51.100.1'],
    ['by two trusted proxies, counts for the client', '10.0.0.5', '198.51.100.1, 10.1.2.3', '198.51.100.1'],
    ['from a client that invents others before it', '10.0.0.5', '203.0.113.9, 10.0.0.5, 198.51.100.1', '198.51.100.1'],
    ['from a client that a strange proxy serves', '10.0.0.5', '203.0.113.9, 192.0.2.99', '192.0.2.99'],
    ['from a trusted proxy that adds nothing', '10.0.0.5', undefined, '10.0.0.5'],
    ['from a trusted proxy that adds no address', '10.0.0.5', '198.51.100.1, unknown', '10.0.0.5'],
    ['from inside the proxies’ own network alone', '10.0.0.5', '10.1.9.9', '10.1.9.9'],
    ['from a proxy that adds the port', '10.0.0.5', '198.51.100.1:50412', '198.51.100.1'],
    ['from a client of IPv6', '2001:db8:f::1', '[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['from a proxy of IPv4 at a socket of IPv6', '::ffff:10.0.0.5', '::ffff:198.51.100.1', '198.51.100.1'],
  ])('%s', (_name, peer, forwardedFor, client) => {
    expect(find(peer, forwardedFor)).toBe(client);
  });

  test('a request to a server that trusts no proxy counts for its sender', () => {
    expect(findClientBehind([])('10.0.0.5', '198.51.100.1')).toBe('10.0.0.5');
  });
});

test.each(['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0', 'proxy.example.com', '', 'fe80::1%eth0', '::/129'])(
  'as an address or a network %j is refused',
  (text) => {
    expect(readNetwork(text)).toBeNull();
  },
);
