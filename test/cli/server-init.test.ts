/** `slipway server init`: from one address to a server that hosts trust, and nothing overwritten on the way. */
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { credentialFilesOf } from '../../src/cli/doctor/service-environment.ts';
import { runCli } from '../../src/cli/program.ts';
import { listenFor, parseCertificateName, parseServerAddress } from '../../src/cli/server-init/address.ts';
import { credentialsText, systemdVersionIn } from '../../src/cli/server-init/credentials.ts';
import { planInit } from '../../src/cli/server-init/plan.ts';
import { settingsThatAreSet, withSettings } from '../../src/cli/server-init/settings-text.ts';
import { parseEnvironmentText } from '../../src/cli/service/environment-text.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { capturedContext } from '../support/cli-context.ts';
import { testWith } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway, startDaemon } from '../support/slipway.ts';

describe('the address of a new server', () => {
  test.each([
    ['deploy.example.com', 'https://deploy.example.com:8400', '0.0.0.0:8400'],
    ['Deploy.Example.com:9000', 'https://deploy.example.com:9000', '0.0.0.0:9000'],
    ['https://deploy.example.com', 'https://deploy.example.com:443', '0.0.0.0:443'],
    ['deploy.example.com:443', 'https://deploy.example.com:443', '0.0.0.0:443'],
    ['https://deploy.example.com:8400/', 'https://deploy.example.com:8400', '0.0.0.0:8400'],
    ['10.0.0.5', 'https://10.0.0.5:8400', '0.0.0.0:8400'],
    ['[2001:DB8::5]', 'https://[2001:db8::5]:8400', '[::]:8400'],
    ['[::1]:8400', 'https://[::1]:8400', '[::1]:8400'],
    ['localhost', 'https://localhost:8400', '127.0.0.1:8400'],
    ['http://127.0.0.1:8400', 'http://127.0.0.1:8400', '127.0.0.1:8400'],
    ['bücher.example', 'https://xn--bcher-kva.example:8400', '0.0.0.0:8400'],
  ])('%s means %s, and the server listens on %s', (text, endpoint, listen) => {
    const address = parseServerAddress(text);
    expect([address.endpoint, listenFor(address)]).toEqual([endpoint, listen]);
  });

  test.each([
    ['', 'no address'],
    ['a b', 'no address'],
    ['ftp://deploy.example.com', 'no address'],
    ['deploy.example.com/slipway', 'more than a host'],
    ['https://me:secret@deploy.example.com', 'more than a host'],
    ['*.example.com', 'no host name'],
    ['deploy.example.com.', 'no host name'],
    ['0.0.0.0', 'every address'],
    ['[::]:8400', 'every address'],
    ['http://deploy.example.com:8400', 'no TLS'],
  ])("'%s' is refused, because it has or is %s", (text, why) => {
    expect(() => parseServerAddress(text)).toThrow(why);
  });

  test.each([
    ['Web', 'web'],
    ['10.0.0.5', '10.0.0.5'],
    ['2001:0DB8:0::5', '2001:db8::5'],
    ['[::1]', '::1'],
    ['::ffff:10.0.0.5', '::ffff:a00:5'],
  ])('another name %s stands in the certificate as %s', (text, name) => {
    expect(parseCertificateName(text)).toBe(name);
  });

  test.each(['', 'web:80', 'web/x', 'a@b', '*', 'https://web'])("'%s' is no other name", (text) => {
    expect(() => parseCertificateName(text)).toThrow(/name of a host|no host name/);
  });
});

describe('the file of settings', () => {
  const template = '# where it listens\n#SLIPWAY_LISTEN=127.0.0.1:8400\n\n# other\n#SLIPWAY_REGION=us-east-1\n';

  test('gets each setting behind its comment, or at its end, and keeps every line', () => {
    const text = withSettings(`${template}MINE=1`, { SLIPWAY_LISTEN: '0.0.0.0:1', SLIPWAY_TLS_KEY: '/k' });
    expect(text).toBe(
      '# where it listens\n#SLIPWAY_LISTEN=127.0.0.1:8400\nSLIPWAY_LISTEN=0.0.0.0:1\n\n# other\n' +
        '#SLIPWAY_REGION=us-east-1\nMINE=1\nSLIPWAY_TLS_KEY=/k\n',
    );
  });

  test('counts a setting as there when it has a value, and not when it is a comment or empty', () => {
    const text = '#A=1\nB=\nC="x"\n D = y\n';
    expect(settingsThatAreSet(text, { A: '', B: '', C: '', D: '' })).toEqual(['C', 'D']);
  });

  test.each([
    '/plain/path',
    '/with blank',
    `/quote"'s`,
    '/back\\slash',
    '/$HOME/`id`',
    '/ümlaut',
    '[::]:8400',
    '~/x',
    '#x',
  ])('holds the value %s so that systemd and a shell read the same', async (value) => {
    using scratch = scratchFolder();
    const text = withSettings('', { VALUE: value });
    expect(parseEnvironmentText(text).assignments).toEqual([`VALUE=${value}`]);
    writeFileSync(scratch.at('env'), text);
    const { stdout } = await execa('sh', ['-c', '. "$0"; printf %s "$VALUE"', scratch.at('env')]);
    expect(stdout).toBe(value);
  });
});

describe('what is asked for', () => {
  const answers = {
    settingsFile: 'server.env',
    dataDir: undefined,
    tlsCert: undefined,
    tlsKey: undefined,
    listen: undefined,
  };
  const service = { ...answers, settingsFile: '/etc/slipway/server.env' };

  test.each([
    ['a port for root alone in the service', { ...service, address: 'deploy:443' }, 'cannot listen on port 443'],
    ['another data folder for the service', { ...service, address: 'deploy', dataDir: '/data' }, 'keeps its data in'],
    ['a certificate without its key', { ...answers, address: 'deploy', tlsCert: 'c' }, 'go together'],
    ['a certificate for plain HTTP', { ...answers, address: 'http://localhost', tlsCert: 'c', tlsKey: 'k' }, 'no TLS'],
    ['a path with a line break', { ...answers, address: 'deploy', dataDir: 'a\nb' }, 'no line of a file'],
  ])('is refused: %s', (_what, wish, why) => {
    expect(() => planInit(wish, '/')).toThrow(why);
  });

  test('a port for root alone is left to whoever forwards it', () => {
    const { settings } = planInit({ ...service, address: 'deploy:443', listen: '0.0.0.0:8400' }, '/');
    expect(settings['SLIPWAY_LISTEN']).toBe('0.0.0.0:8400');
  });
});

interface Initialised {
  readonly endpoint: string;
  readonly authorityFile: string;
  readonly written: readonly string[];
  readonly next: { readonly server: readonly string[]; readonly host: readonly string[] };
}

async function init(scratch: ScratchFolder, ...more: readonly string[]) {
  const file = scratch.at('own', 'server.env');
  const made = await runSlipway(['server', 'init', '--settings-file', file, ...more, '--json']);
  return { ...made, file, result: made.status === 0 ? (JSON.parse(made.stdout) as Initialised) : null };
}

describe('a server of one’s own', () => {
  test('starts with the printed command, and a host enrols with a token alone', async () => {
    using scratch = scratchFolder();
    const { result, file } = await init(scratch, '--address', 'localhost', '--listen', '127.0.0.1:0');
    expect(result?.written.map((path) => statSync(path).mode & 0o777)).toEqual([0o644, 0o600, 0o644, 0o600, 0o600]);
    const dataDir = scratch.at('own', 'data');
    const key = await runSlipway(['keys', 'create', '--role', 'admin', '--data-dir', dataDir, '--json']);
    const { accessKeyId, secretAccessKey } = JSON.parse(key.stdout) as Record<string, string>;
    const settings = Object.fromEntries(
      parseEnvironmentText(readFileSync(file, 'utf8')).assignments.map((line) => line.split('=', 2)),
    );
    // As the printed command has it; only the program has another path here.
    expect(result?.next.server[0]).toBe(`(set -a; . ${scratch.word('own', 'server.env')}; exec slipway server)`);
    await using server = startDaemon(['server'], { stderrFile: scratch.at('log'), env: settings });
    const url = /API on (\S+),/.exec(await server.firstLine)?.[1]?.replace('127.0.0.1', 'localhost') ?? '';
    expect(url).toMatch(/^https:/);
    const env = { SLIPWAY_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    const trusting = { ...env, SLIPWAY_CA_FILE: result?.authorityFile };
    const made = await runSlipway(['server', 'tokens', 'create', '--json'], trusting);
    const { token } = JSON.parse(made.stdout) as { token: string };
    const folders = ['--config-dir', scratch.at('host'), '--state-dir', scratch.at('state')];
    const registered = await runSlipway([
      'register',
      '--server',
      url,
      '--token',
      token,
      '--instance-name',
      'web-1',
      ...folders,
    ]);
    expect([registered.status, registered.stderr]).toEqual([0, '']);
    expect(readFileSync(scratch.at('host', 'slipway-ca.pem'), 'utf8')).toBe(
      readFileSync(result?.authorityFile ?? '', 'utf8'),
    );
    const untrusting = await runSlipway(['server', 'show'], env);
    expect(untrusting.status).not.toBe(0);
  });

  testWith('openssl')('has a certificate for every name of it that OpenSSL takes in its strictest mode', async () => {
    using scratch = scratchFolder();
    const names = ['--name', 'deploy', '--name', '2001:db8::5', '--name', '192.0.2.7'];
    const { result } = await init(scratch, '--address', 'deploy.example.com', ...names);
    const at = (name: string) => scratch.at('own', 'tls', name);
    const leaf = new X509Certificate(readFileSync(at('server.pem')));
    for (const host of ['deploy.example.com', 'deploy', 'localhost']) expect(leaf.checkHost(host)).toBe(host);
    for (const ip of ['2001:db8::5', '192.0.2.7', '127.0.0.1', '::1']) expect(leaf.checkIP(ip)).toBe(ip);
    expect(leaf.checkHost('other.example.com')).toBeUndefined();
    expect(result?.endpoint).toBe('https://deploy.example.com:8400');
    const strict = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'deploy'];
    const verified = await execa('openssl', ['verify', '-CAfile', at('ca.pem'), ...strict, at('server.pem')], {
      reject: false,
    });
    expect(verified.stdout).toContain('OK');
  });

  test('is set up once: a second run changes nothing, and says what is there', async () => {
    using scratch = scratchFolder();
    await init(scratch, '--address', 'deploy.example.com');
    const contents = () =>
      readdirSync(scratch.at('own'), { recursive: true, encoding: 'utf8' })
        .sort()
        .map((name) => join(scratch.at('own'), name))
        .map((path) => [path, statSync(path).isFile() ? readFileSync(path, 'utf8') : null]);
    const before = contents();
    const again = await init(scratch, '--address', 'other.example.com');
    expect(again.stderr).toContain('sets SLIPWAY_DATA_DIR, SLIPWAY_LISTEN, SLIPWAY_TLS_CERT, SLIPWAY_TLS_KEY already');
    writeFileSync(scratch.at('own', 'server.env'), '');
    const tlsLeft = await init(scratch, '--address', 'other.example.com');
    expect(tlsLeft.stderr).toContain('there are TLS files already');
    expect(
      contents()
        .slice(1)
        .filter(([path]) => !String(path).endsWith('.env')),
    ).toEqual(before.slice(1).filter(([path]) => !String(path).endsWith('.env')));
  });

  test('keeps the lines and the mode of a file of settings that sets other things', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('own'));
    writeFileSync(scratch.at('own', 'server.env'), '# mine\nSLIPWAY_KEEP_AUDIT=9\n');
    chmodSync(scratch.at('own', 'server.env'), 0o640);
    const { status, file } = await init(scratch, '--address', 'http://localhost:8400');
    expect(status).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(
      `# mine\nSLIPWAY_KEEP_AUDIT=9\nSLIPWAY_DATA_DIR=${scratch.at('own', 'data')}\nSLIPWAY_LISTEN=127.0.0.1:8400\n`,
    );
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(existsSync(scratch.at('own', 'tls'))).toBe(false);
  });

  test('is not set up over a link that leads nowhere', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('own'));
    symlinkSync(scratch.at('nowhere'), scratch.at('own', 'server.env'));
    const { stderr, status } = await init(scratch, '--address', 'deploy');
    expect([status === 0, stderr]).toEqual([false, expect.stringContaining('cannot be read')]);
    expect(readdirSync(scratch.at('own'))).toEqual(['server.env']);
  });

  test('takes a certificate that is given, if it is for the address', async () => {
    using scratch = scratchFolder();
    const { certFile, keyFile } = await makeCertificate(await makeAuthority(scratch.path, 'ca'), 'given');
    const given = ['--tls-cert', certFile, '--tls-key', keyFile];
    const wrong = await init(scratch, '--address', 'deploy.example.com', ...given);
    expect(wrong.stderr).toContain('is not for deploy.example.com, but for');
    expect(existsSync(scratch.at('own'))).toBe(false);
    const { result, file } = await init(scratch, '--address', '127.0.0.1', ...given);
    expect(result?.written).toEqual([file]);
    expect(readFileSync(file, 'utf8')).toContain(`SLIPWAY_TLS_CERT=${certFile}\n`);
  });
});

test('at a terminal the address is asked for, and an empty answer takes what stands in brackets', async () => {
  using scratch = scratchFolder();
  const questions: string[] = [];
  const replies = ['deploy.example.com', '', ''];
  const ask = async (question: string) => {
    questions.push(question);
    return replies.shift() ?? '';
  };
  const ctx = capturedContext({ ask, workingDirectory: scratch.path });
  expect(await runCli(['server', 'init', '--settings-file', 'own/server.env'], ctx)).toBe(0);
  expect(questions).toHaveLength(3);
  expect(questions[1]).toContain(`[${scratch.at('own', 'data')}]`);
  expect(ctx.printed()).toContain(`wrote ${scratch.at('own', 'tls', 'ca.pem')}\n`);
  expect(ctx.printed()).toContain(
    '  echo TOKEN | slipway register --server https://deploy.example.com:8400 --token-file -\n',
  );
});

test('nothing is written without a terminal and an address, and the message says what to give', async () => {
  using scratch = scratchFolder();
  const { stderr, status } = await init(scratch);
  expect([status === 0, stderr]).toEqual([false, expect.stringContaining('Give --address HOST')]);
  expect(readdirSync(scratch.path)).toEqual([]);
});

test('the addition to the unit hands over the files that were given, and the doctor finds them in it', () => {
  const answers = { address: 'deploy.example.com', settingsFile: '/etc/slipway/server.env', listen: undefined };
  const files = { tlsCert: '/etc/keys/100%/chain.pem', tlsKey: '/etc/keys/a b:c.pem' };
  const { tls } = planInit({ ...answers, ...files, dataDir: undefined }, '/');
  expect(credentialFilesOf(credentialsText(tls))).toEqual([files.tlsCert, files.tlsKey]);
});

test('the version of systemd is read from its first line', () => {
  expect(systemdVersionIn('systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT')).toBe(252);
  expect(systemdVersionIn('')).toBeNull();
});
