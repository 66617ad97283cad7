import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CommandDiagnostics, decodeDiagnostics, encodeDiagnostics } from '../../src/protocol/diagnostics.ts';

const some: CommandDiagnostics = {
  errorCode: 4,
  scriptName: 'scripts/start.sh',
  message: 'Script at specified location: scripts/start.sh failed with exit code 1',
  log: 'LifecycleEvent - ApplicationStart\nScript - scripts/start.sh\n[stderr]port in use\n',
};

const payloadOf = (diagnostics: CommandDiagnostics) => encodeDiagnostics(diagnostics).Payload;

test('the payload has exactly the four members of the protocol', () => {
  expect(encodeDiagnostics(some)).toEqual({
    Format: 'JSON',
    Payload: JSON.stringify({
      error_code: 4,
      script_name: 'scripts/start.sh',
      message: some.message,
      log: some.log,
    }),
  });
});

describe('when there is too much for the payload', () => {
  const longLog = Array.from({ length: 1000 }, (_, line) => `[stdout]line ${line}\n`).join('');

  test('the message is shortened first, and no more than needed', () => {
    const diagnostics = { ...some, message: `begin ${'x'.repeat(20_000)} end` };
    const shortened = decodeDiagnostics(encodeDiagnostics(diagnostics));
    expect(shortened).toMatchObject({ log: some.log, scriptName: some.scriptName, errorCode: 4 });
    expect(shortened?.message).toMatch(/^begin x+\.\.\.x+ end$/);
    expect(payloadOf(diagnostics).length).toBeGreaterThan(8180);
  });

  test('a log keeps its newest whole lines', () => {
    const shortened = decodeDiagnostics(encodeDiagnostics({ ...some, log: longLog }));
    expect(shortened?.message).toBe(some.message);
    expect(shortened?.log).toMatch(/^\[stdout\]line \d+\n/);
    expect(longLog.endsWith(shortened?.log ?? '?')).toBe(true);
    expect(shortened?.log.length).toBeGreaterThan(7000);
  });

  test('a log of one long line keeps its end', () => {
    const shortened = decodeDiagnostics(encodeDiagnostics({ ...some, log: `${'x'.repeat(20_000)}the reason` }));
    expect(shortened?.log).toMatch(/^x{7000,}the reason$/);
  });

  test('a message keeps a part while the log is cut, too', () => {
    const shortened = decodeDiagnostics(encodeDiagnostics({ ...some, message: 'm'.repeat(9000), log: longLog }));
    expect(shortened?.message.length).toBeGreaterThan(1000);
    expect(shortened?.log.length).toBeGreaterThan(5000);
  });
});

test('terminal sequences are taken out of message and log', () => {
  expect(
    decodeDiagnostics(encodeDiagnostics({ ...some, message: '\u001b[31mred\u001b[0m', log: 'a\u001b[2Kb' })),
  ).toMatchObject({
    message: 'red',
    log: 'ab',
  });
});

describe('whatever is to be reported', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 100 }),
    fc
      .tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), fc.nat(2000))
      .map(([unit, times]) => unit.repeat(times)),
    fc.constantFrom(
      '😀'.repeat(9000),
      '\u0000'.repeat(9000),
      '"\n'.repeat(9000),
      '\ud800'.repeat(50),
      'x\n'.repeat(9000),
    ),
  );
  const anyDiagnostics: fc.Arbitrary<CommandDiagnostics> = fc.record({
    errorCode: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7),
    scriptName: anyText,
    message: anyText,
    log: anyText,
  });

  test('the payload is JSON of at most 8192 characters, all of them real ones', () => {
    fc.assert(
      fc.property(anyDiagnostics, (diagnostics) => {
        const payload = payloadOf(diagnostics);
        expect(payload.length).toBeLessThanOrEqual(8192);
        expect(payload).not.toMatch(/\\ud[89a-f]/i);
        const { script_name, message, log } = JSON.parse(payload);
        for (const text of [payload, script_name, message, log]) expect(text.isWellFormed()).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('the code arrives, and what is short arrives whole', () => {
    const short = fc.string({ unit: 'grapheme', maxLength: 60 });
    fc.assert(
      fc.property(
        fc.record({ errorCode: fc.constantFrom(0, 5, 7), scriptName: short, message: short, log: short }),
        (it) => {
          expect(decodeDiagnostics(encodeDiagnostics(it))).toEqual(it);
        },
      ),
    );
  });
});

describe('what others send', () => {
  test.each([
    undefined,
    { Format: 'JSON', Payload: 'oops' },
    { Format: 'JSON', Payload: '[1]' },
    { Format: 'JSON', Payload: 'null' },
  ])('%j is no diagnostics', (envelope) => expect(decodeDiagnostics(envelope)).toBeNull());

  test.each([
    [
      '{"error_code":"Unknown","script_name":"s","message":"m","log":""}',
      { errorCode: 5, scriptName: 's', message: 'm', log: '' },
    ],
    ['{"error_code":8}', { errorCode: 5, scriptName: '', message: '', log: '' }],
    ['{"error_code":0,"script_name":7,"message":null}', { errorCode: 0, scriptName: '', message: '', log: '' }],
  ])('%s is read as far as it can be', (Payload, expected) => {
    expect(decodeDiagnostics({ Format: 'JSON', Payload })).toEqual(expected);
  });
});

test('texts of a host that are longer than the service takes are cut: the middle of a message, the older lines of a log', () => {
  const reported = {
    error_code: 4,
    script_name: 's'.repeat(100_000),
    message: `what${'m'.repeat(100_000)}why`,
    log: `${'line\n'.repeat(100_000)}last`,
  };
  const read = decodeDiagnostics({ Format: 'JSON', Payload: JSON.stringify(reported) });
  expect(read?.scriptName.length).toBeLessThanOrEqual(512);
  expect(read?.message).toMatch(/^whatm+\.\.\.m+why$/);
  expect(read?.message.length).toBeLessThanOrEqual(8192);
  expect(read?.log).toMatch(/^line\n(line\n)*last$/);
  expect(read?.log.length).toBeLessThanOrEqual(8192);
});
