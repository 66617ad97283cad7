/** Real keys, and the real programs that sign with them. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { ScratchFolder } from './scratch.ts';

/** A key pair made by ssh-keygen, and what its owner may do with it. */
export interface SshKeyPair {
  readonly keyFile: string;
  /** `ssh-ed25519 AAAA…` */
  readonly publicKey: string;
  /** A line of a signers' file. @param options such as `namespaces="git"` */
  line(name: string, options?: string): string;
  /** Signs a file, `<file>.sig`. @returns the signature's path */
  sign(file: string, namespace?: string): string;
}

export function sshKeyPair(scratch: ScratchFolder, name: string, type = 'ed25519', ...more: string[]): SshKeyPair {
  const keyFile = scratch.at(name);
  execFileSync('ssh-keygen', ['-q', '-t', type, ...more, '-N', '', '-C', name, '-f', keyFile]);
  const publicKey = readFileSync(`${keyFile}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  return {
    keyFile,
    publicKey,
    line: (signer, options = '') => `${signer} ${options}${options === '' ? '' : ' '}${publicKey}\n`,
    sign: (file, namespace = 'slipway-bundle') => {
      const args = ['-q', '-Y', 'sign', '-n', namespace, '-f', keyFile];
      writeFileSync(`${file}.sig`, execFileSync('ssh-keygen', args, { input: readFileSync(file) }));
      return `${file}.sig`;
    },
  };
}

/** A key pair made by minisign, its secret key not encrypted. */
export function minisignKeyPair(scratch: ScratchFolder, name: string) {
  const [secretKey, publicKey] = [scratch.at(`${name}.key`), scratch.at(`${name}.pub`)];
  execFileSync('minisign', ['-G', '-W', '-f', '-p', publicKey, '-s', secretKey], { stdio: 'pipe' });
  return {
    secretKey,
    publicKey,
    sign: (file: string, ...more: readonly string[]) => {
      execFileSync('minisign', ['-S', '-H', '-s', secretKey, '-m', file, ...more], { stdio: 'pipe' });
      return `${file}.minisig`;
    },
  };
}
