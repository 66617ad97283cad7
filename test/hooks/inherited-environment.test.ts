import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { inheritedEnvironment, isSecretVariable } from '../../src/hooks/inherited-environment.ts';

const RULES = { restrictToAllowlist: false, stripLoaderVariables: true, handedDown: [] };
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** Packages, or folders of packages, whose business is to find credentials. */
const OF_CREDENTIALS = /credential-provider|token-providers|submodules\/(httpAuthSchemes|config)/;
/** Settings that those packages read as well. Before you add one, make sure that it leads to no credentials. */
const SETTINGS = [
  'AWS_ACCOUNT_ID_ENDPOINT_MODE',
  'AWS_AUTH_SCHEME_PREFERENCE',
  'AWS_DEFAULT_REGION',
  'AWS_DEFAULTS_MODE',
  'AWS_DISABLE_CLOCK_SKEW_CORRECTION',
  'AWS_DISABLE_REQUEST_COMPRESSION',
  'AWS_EC2_METADATA_DISABLED',
  'AWS_EC2_METADATA_V1_DISABLED',
  'AWS_ENABLE_DEFAULT_SOCKET_TIMEOUT_2026',
  'AWS_ENDPOINT_URL',
  'AWS_EXECUTION_ENV',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_MAX_ATTEMPTS',
  'AWS_REGION',
  'AWS_REQUEST_CHECKSUM_CALCULATION',
  'AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES',
  'AWS_RESPONSE_CHECKSUM_VALIDATION',
  'AWS_RETRY_MODE',
  'AWS_S3_DISABLE_EXPRESS_SESSION_AUTH',
  'AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS',
  'AWS_S3_USE_ARN_REGION',
  'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
  'AWS_SDK_UA_APP_ID',
  'AWS_SIGV4A_SIGNING_REGION_SET',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_USE_FIPS_ENDPOINT',
];

/** Variables that the SDK reads beside its own: where the agent's user is at home. Scripts need it, and may look there anyway. */
const PLACES = ['HOME', 'HOMEDRIVE', 'HOMEPATH', 'USERPROFILE'];
/** Variables of Lambda; they name a function and a request, and no credentials. */
const OF_LAMBDA = ['AWS_LAMBDA_FUNCTION_NAME', '_X_AMZN_TRACE_ID'];
/** Read under a name that is put together: `AWS_BEARER_TOKEN_` and the service. */
const PUT_TOGETHER = ['bearerTokenKey'];

interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** The SDK's own code, as it is installed. */
function sdkSources(): readonly SourceFile[] {
  return ['@aws-sdk', '@smithy', '@aws'].flatMap((scope) =>
    readdirSync(join(MODULES, scope), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.includes('dist-cjs') && name.endsWith('.js'))
      .map((name) => ({ name, text: readFileSync(join(MODULES, scope, name), 'utf8') })),
  );
}

/** Each `AWS_…` in quotes, or read from an environment, that stands there. */
function namesIn(sources: readonly SourceFile[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { name: file, text } of sources) {
    for (const [, name = ''] of text.matchAll(/(?:["'`]|env\.)(AWS_[A-Z0-9_]*[A-Z0-9])\b/g)) {
      found.set(name, [...(found.get(name) ?? []), file]);
    }
  }
  return found;
}

/** Each name that is read from an environment, whatever it is called; the name of a constant that is nowhere, in its own place. */
function readsIn(sources: readonly SourceFile[]): ReadonlySet<string> {
  const constants = new Map<string, string>();
  for (const { text } of sources) {
    for (const [, name = '', value = ''] of text.matchAll(/\b(\w+) = ["'`]([A-Z_][A-Z0-9_]*)["'`]/g))
      constants.set(name, value);
  }
  const found = new Set<string>();
  for (const { text } of sources) {
    for (const [, name = ''] of text.matchAll(/\benv\.([A-Za-z_]\w*)/g)) found.add(name);
    for (const [, name = ''] of text.matchAll(/\benv\[["'`](\w+)["'`]\]/g)) found.add(name);
    for (const [, name = ''] of text.matchAll(/\benv\[([A-Za-z_]\w*)\]/g)) found.add(constants.get(name) ?? name);
    for (const [, names = ''] of text.matchAll(/\b(?:const|let|var) \{([^;\n]*)\} = process\.env\b/g)) {
      for (const [name] of names.replaceAll(/=[^,]*/g, '').matchAll(/\w+/g)) found.add(name);
    }
  }
  return found;
}

describe('what scripts inherit', () => {
  const sources = sdkSources();
  const sdk = namesIn(sources);

  test('is nothing from which the SDK that is installed takes credentials: what it reads is a known setting or hidden', () => {
    const inCredentials = [...sdk].filter(([, files]) => files.some((file) => OF_CREDENTIALS.test(file)));
    expect(inCredentials.length).toBeGreaterThan(15);
    const passed = [...sdk.keys()].filter((name) => !isSecretVariable(name));
    expect(passed.filter((name) => !SETTINGS.includes(name))).toEqual([]);
  });

  test('is nothing else that the SDK reads, whatever it is called, but where the user is at home', () => {
    const reads = readsIn(sources);
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_LOGIN_CACHE_DIRECTORY', 'HOME']) {
      expect([...reads]).toContain(name);
    }
    const known = [...SETTINGS, ...PLACES, ...OF_LAMBDA, ...PUT_TOGETHER];
    expect([...reads].filter((name) => !isSecretVariable(name) && !known.includes(name))).toEqual([]);
  });

  test.each([
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN',
    'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_ROLE_ARN',
    'AWS_ROLE_SESSION_NAME',
    'AWS_SHARED_CREDENTIALS_FILE',
    'AWS_CONFIG_FILE',
    'AWS_PROFILE',
    'AWS_DEFAULT_PROFILE',
    'AWS_LOGIN_CACHE_DIRECTORY',
    'AWS_BEARER_TOKEN_BEDROCK',
    'AWS_EC2_METADATA_SERVICE_ENDPOINT',
    'AWS_SOMETHING_OF_TOMORROW',
    'SLIPWAY_ENDPOINT_URL',
    'SLIPWAY_DATABASE_URL',
    'OTEL_EXPORTER_OTLP_HEADERS',
    'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    'CREDENTIALS_DIRECTORY',
    'CODEDEPLOY_GITHUB_TOKEN',
    'NOTIFY_SOCKET',
    'LISTEN_FDS',
    'LISTEN_PID',
    'LISTEN_FDNAMES',
    'WATCHDOG_USEC',
    'INVOCATION_ID',
    'JOURNAL_STREAM',
    'RUNTIME_DIRECTORY',
    'SSH_AUTH_SOCK',
    'NODE_OPTIONS',
    'NODE_CHANNEL_FD',
    'LD_PRELOAD',
    'LD_AUDIT',
    'LD_DEBUG_OUTPUT',
    'GCONV_PATH',
  ])('%s is kept from scripts', (name) => {
    expect(inheritedEnvironment({ [name]: 'x', LANG: 'C' }, RULES)).toEqual({ LANG: 'C' });
  });

  test.each([
    ['NODE_EXTRA_CA_CERTS', '/etc/ca.pem'],
    ['SSL_CERT_FILE', '/etc/ca.pem'],
    ['NODE_ENV', 'production'],
    ['NPM_TOKEN', 'of the operator'],
    ['KUBERNETES_SERVICE_HOST', '10.0.0.1'],
    ['KUBERNETES_PORT', 'tcp://10.0.0.1:443'],
    ['LD_SDK_KEY', 'of an application'],
    ['PYTHONPATH', '/srv/a:/srv/@b'],
    ['GIT_SSH_COMMAND', 'ssh -i /etc/key git@host'],
    ['AWS_ENDPOINT_URL_S3', 'https://store:9000'],
    ['HOME', '/root'],
  ])('%s is the operator’s own and stays as it is', (name, value) => {
    expect(inheritedEnvironment({ [name]: value }, RULES)).toEqual({ [name]: value });
  });

  test('user and password are taken out of every address, a proxy without its scheme included', () => {
    const given = {
      http_proxy: 'http://user:secret@proxy:3128',
      HTTPS_PROXY: 'user:secret@proxy:3128',
      ALL_PROXY: 'secret@proxy:3128',
      AWS_ENDPOINT_URL_S3: 'https://user:secret@store/',
      DATABASE_URL: 'postgres://user:secret@db/x',
    };
    expect(inheritedEnvironment(given, RULES)).toEqual({
      http_proxy: 'http://proxy:3128',
      HTTPS_PROXY: 'proxy:3128',
      ALL_PROXY: 'proxy:3128',
      AWS_ENDPOINT_URL_S3: 'https://store/',
      DATABASE_URL: 'postgres://db/x',
    });
  });

  test('is as it is for the names that the operator hands down, the narrow environment included', () => {
    const given = { AWS_PROFILE: 'deploy', HTTPS_PROXY: 'http://user:secret@proxy', OTHER: '1', PATH: '/bin' };
    const handedDown = ['AWS_PROFILE', 'HTTPS_PROXY'];
    expect(inheritedEnvironment(given, { ...RULES, restrictToAllowlist: true, handedDown })).toEqual({
      AWS_PROFILE: 'deploy',
      HTTPS_PROXY: 'http://user:secret@proxy',
      PATH: '/bin',
    });
  });
});
