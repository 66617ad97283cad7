import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endedAuthority, makeCertificate, privateCertificates } from '../support/certificates.ts';
import { type EnrolledHost, runSlipway } from '../support/slipway.ts';
import type { Fault, Ground } from './fault.ts';
import { answering, askDoctor, configure, deadPort } from './planting.ts';

/** The way to the server and to the store, and the identity that the host has there. */
export const ENDPOINT_FAULTS: readonly Fault[] = [
  {
    name: 'The control server is down',
    async plant(ground) {
      const host = await ground.host();
      configure(host, { deploy_control_endpoint: `http://127.0.0.1:${await deadPort()}` });
      return askDoctor(host, { finds: 'connection', remedy: /Nothing listens there.*deploy_control_endpoint/ });
    },
  },
  {
    name: 'The name of the control server is not in the DNS',
    async plant(ground) {
      const host = await ground.host();
      configure(host, { deploy_control_endpoint: 'https://no-such-name.invalid' });
      return askDoctor(host, { finds: 'DNS', remedy: /Make no-such-name\.invalid resolvable/ });
    },
  },
  {
    name: 'The certificate of the control server is of an authority that nobody trusts',
    async plant(ground) {
      const host = await ground.host();
      const { url } = await serverWithTls(ground);
      configure(host, { deploy_control_endpoint: url });
      return askDoctor(host, { finds: 'TLS', remedy: /ca_file/ });
    },
  },
  {
    name: 'The authority that the host trusts has ended, and the server’s certificate has not',
    async plant(ground) {
      const host = await ground.host();
      const authority = await endedAuthority(ground.folder);
      const { certFile, keyFile } = await makeCertificate(authority, 'server');
      const { url } = await ground.ownServer(['--tls-cert', certFile, '--tls-key', keyFile]);
      configure(host, { deploy_control_endpoint: url, ca_file: authority.certFile });
      return askDoctor(host, { finds: 'TLS', remedy: /authority Ended authority has ended.*ca_file/ });
    },
  },
  {
    name: 'The certificate of the control server is for other names',
    async plant(ground) {
      const host = await ground.host();
      const { url, caFile } = await serverWithTls(ground, ['--listen', '127.0.0.2:0']);
      configure(host, { deploy_control_endpoint: url, ca_file: caFile });
      return askDoctor(host, { finds: 'TLS', remedy: /is for other names/ });
    },
  },
  {
    name: 'The address of the control server says https and what answers there speaks no TLS',
    async plant(ground) {
      const host = await ground.host();
      const { url } = await ground.sharedServer();
      configure(host, { deploy_control_endpoint: url.replace('http:', 'https:') });
      return askDoctor(host, { finds: 'TLS', detail: /does not speak TLS/, remedy: /http/ });
    },
  },
  {
    name: 'The address of the control server says http and what answers there speaks TLS alone',
    async plant(ground) {
      const host = await ground.host();
      const { url } = await serverWithTls(ground);
      configure(host, { deploy_control_endpoint: url.replace('https:', 'http:') });
      return askDoctor(host, { finds: 'connection', remedy: /write https:\/\/ in deploy_control_endpoint/ });
    },
  },
  {
    name: 'The clock of the host is ten minutes off',
    async plant(ground) {
      const host = await ground.host();
      const date = new Date(Date.now() - 600_000).toUTCString();
      configure(host, { deploy_control_endpoint: await answering(ground, { date }) });
      return askDoctor(host, { finds: 'clock', remedy: /timedatectl set-ntp true/ });
    },
  },
  {
    name: 'The S3 store is down',
    async plant(ground) {
      const host = await ground.host();
      configure(host, { s3_endpoint_override: `http://127.0.0.1:${await deadPort()}` });
      return askDoctor(host, { finds: 'S3', remedy: /Nothing listens there.*s3_endpoint_override/ });
    },
  },
  {
    name: 'The S3 store has a certificate that nobody trusts',
    async plant(ground) {
      const host = await ground.host();
      const { s3Url } = await serverWithTls(ground);
      configure(host, { s3_endpoint_override: s3Url });
      return askDoctor(host, { finds: 'S3', remedy: /ca_file/ });
    },
  },
  {
    name: 'The address of the S3 store is that of a web site',
    async plant(ground) {
      const host = await ground.host();
      configure(host, {
        s3_endpoint_override: await answering(ground, {}, 200, '<!DOCTYPE html><title>Welcome</title>'),
      });
      return askDoctor(host, { finds: 'S3', remedy: /the address of the store’s S3 API/ });
    },
  },
  {
    name: 'The key of the host was disabled',
    async plant(ground) {
      const host = await ground.host();
      const { dataDir } = await ground.sharedServer();
      const disabled = await runSlipway(['keys', 'disable', keyOf(host), '--data-dir', dataDir]);
      if (disabled.status !== 0) throw new Error(disabled.stderr);
      return askDoctor(host, { finds: 'credentials', remedy: /disabled the key for good.*register --force/ });
    },
  },
  {
    name: 'The secret in the identity is another one',
    async plant(ground) {
      const host = await ground.host();
      const file = identityOf(host);
      writeFileSync(file, readFileSync(file, 'utf8').replace(/(aws_secret_access_key: ).*/, '$1wrong'));
      return askDoctor(host, { finds: 'credentials', remedy: /secret in .* is not that of its key/ });
    },
  },
  {
    name: 'The server does not know the key of the host: it is another server',
    async plant(ground) {
      const host = await ground.host();
      configure(host, { deploy_control_endpoint: (await ground.ownServer()).url });
      return askDoctor(host, { finds: 'credentials', remedy: /no such key.*the right server/ });
    },
  },
];

async function serverWithTls(ground: Ground, args: readonly string[] = []) {
  const { caFile, certFile, keyFile } = await privateCertificates(ground.folder);
  const { url, s3Url } = await ground.ownServer(['--tls-cert', certFile, '--tls-key', keyFile, ...args]);
  return { url, s3Url, caFile };
}

function identityOf(host: EnrolledHost): string {
  return join(host.folder, 'conf/codedeploy.onpremises.yml');
}

function keyOf(host: EnrolledHost): string {
  return /aws_access_key_id: (\S+)/.exec(readFileSync(identityOf(host), 'utf8'))?.[1] ?? '';
}
