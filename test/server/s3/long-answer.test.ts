import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { createLongAnswer } from '../../../src/server/s3/long-answer.ts';
import { readXml } from '../../../src/server/s3/xml.ts';
import { eventually } from '../../support/eventually.ts';

test('an answer that takes long begins with its headers, sends blanks until the rest is known, and is XML as a whole', async () => {
  const rest = Promise.withResolvers<string>();
  const server = createServer(async (_, response) => {
    const long = createLongAnswer(response, 5);
    response.setHeader('x-amz-version-id', 'v1');
    long.begin();
    const element = await rest.promise;
    expect(long.hasBegun).toBe(true);
    long.stop();
    response.end(element);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : null;
  try {
    // The head comes before the answer is known.
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(response.headers.get('x-amz-version-id')).toBe('v1');
    let text = '';
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const read = async () => {
      text += (await reader?.read())?.value ?? '';
    };
    await eventually(async () => {
      await read();
      return / {3,}$/.test(text);
    });
    rest.resolve('<Done><Key>a</Key></Done>');
    await eventually(async () => {
      await read();
      return text.endsWith('</Done>');
    });
    expect(text).toMatch(/^<\?xml [^>]*\?>\s+<Done>/);
    expect(readXml(text, 'Done').children.has('Key')).toBe(true);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('an answer that is known soon begins with nothing', () => {
  const written: unknown[] = [];
  const long = createLongAnswer({ write: (text: string) => written.push(text), setHeader: () => undefined } as never);
  long.begin();
  long.stop();
  expect({ written, hasBegun: long.hasBegun }).toEqual({ written: [], hasBegun: false });
});
