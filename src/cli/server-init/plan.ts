/** Plan of `slipway server init`, before it does anything. */
import { dirname, join } from 'node:path';
import { SlipwayError } from '../../errors.ts';
import { pathFrom } from '../../system/working-folder.ts';
import { DEFAULT_DATA_DIR } from '../server-options.ts';
import { listenFor, parseServerAddress, type ServerAddress } from './address.ts';
import type { Settings } from './settings-text.ts';

/** The file that the service of systemd reads. */
export const SERVICE_SETTINGS_FILE = '/etc/slipway/server.env';

/** Answers of a person, by flags or when asked. Paths may be relative. */
export interface InitAnswers {
  readonly address: string;
  readonly settingsFile: string;
  /** undefined: the usual one for the file of settings. */
  readonly dataDir: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  /** undefined: as the address has it. */
  readonly listen: string | undefined;
}

export interface TlsPlan {
  /** `given`: files of the person's own; `private`: files that are made; `none`: plain HTTP on this machine. */
  readonly kind: 'given' | 'private' | 'none';
  readonly certFile: string;
  readonly keyFile: string;
  readonly authorityFile: string;
  readonly authorityKeyFile: string;
}

export interface InitPlan {
  readonly address: ServerAddress;
  readonly settingsFile: string;
  /** The settings are those of the service, which has a user of its own. */
  readonly isService: boolean;
  readonly dataDir: string;
  readonly tls: TlsPlan;
  readonly settings: Settings;
}

/** Ports below this one are for root alone, and the service is not root. */
const FIRST_FREE_PORT = 1024;

/**
 * @param folder where relative paths begin
 * @throws SlipwayError CLI_BAD_ARGUMENT when the answers do not go together
 */
export function planInit(answers: InitAnswers, folder: string): InitPlan {
  const address = parseServerAddress(answers.address);
  const settingsFile = pathFrom(folder, answers.settingsFile);
  const isService = settingsFile === SERVICE_SETTINGS_FILE;
  const dataDir = dataDirOf(answers, folder, settingsFile, isService);
  const tls = tlsOf(answers, folder, settingsFile, address);
  if (isService && answers.listen === undefined && address.port < FIRST_FREE_PORT) {
    throw new SlipwayError(
      'CLI_BAD_ARGUMENT',
      `the service does not run as root and cannot listen on port ${address.port}`,
      {
        remedy: `Name a port from ${FIRST_FREE_PORT} on in the address, or forward port ${address.port} to another one and give that by --listen 0.0.0.0:8400.`,
      },
    );
  }
  const settings: Settings = {
    // The service's unit names its own folder.
    ...(isService ? {} : { SLIPWAY_DATA_DIR: dataDir }),
    SLIPWAY_LISTEN: answers.listen ?? listenFor(address),
    ...(tls.kind === 'none' ? {} : { SLIPWAY_TLS_CERT: tls.certFile, SLIPWAY_TLS_KEY: tls.keyFile }),
  };
  const odd = Object.values(settings).find((value) => /\p{Cc}/u.test(value));
  if (odd !== undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `'${odd}' has characters that no line of a file of settings can hold`, {
      remedy: 'Name a path without line breaks and other control characters.',
    });
  }
  return { address, settingsFile, isService, dataDir, tls, settings };
}

function dataDirOf({ dataDir }: InitAnswers, folder: string, settingsFile: string, isService: boolean): string {
  if (dataDir === undefined) return isService ? DEFAULT_DATA_DIR : join(dirname(settingsFile), 'data');
  const path = pathFrom(folder, dataDir);
  if (!isService || path === DEFAULT_DATA_DIR) return path;
  throw new SlipwayError('CLI_BAD_ARGUMENT', `the service keeps its data in ${DEFAULT_DATA_DIR}, not in ${path}`, {
    remedy: `Mount the file system for the data at ${DEFAULT_DATA_DIR}, or give --settings-file FILE for a server that is no service.`,
  });
}

function tlsOf(
  { tlsCert, tlsKey }: InitAnswers,
  folder: string,
  settingsFile: string,
  { isHttps, endpoint }: ServerAddress,
): TlsPlan {
  const at = (name: string) => join(dirname(settingsFile), 'tls', name);
  const made = { authorityFile: at('ca.pem'), authorityKeyFile: at('ca.key') };
  if (tlsCert === undefined && tlsKey === undefined) {
    return { kind: isHttps ? 'private' : 'none', certFile: at('server.pem'), keyFile: at('server.key'), ...made };
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--tls-cert and --tls-key go together', {
      remedy: 'Give both, or neither: then a private authority and a certificate are made.',
    });
  }
  if (!isHttps) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `a certificate is given, and the address ${endpoint} has no TLS`, {
      remedy: 'Write the address with https://, or leave the certificate out.',
    });
  }
  return { kind: 'given', certFile: pathFrom(folder, tlsCert), keyFile: pathFrom(folder, tlsKey), ...made };
}
