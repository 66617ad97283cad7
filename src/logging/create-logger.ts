import { Writable } from 'node:stream';
import { createLogger as createWinston, format, transports, type Logger as Winston } from 'winston';
import { printable } from '../system/printable.ts';
import { openDailyFile } from './daily-file.ts';
import { createJournal, isJournal } from './journal.ts';
import type { LogFields, Logger } from './logger.ts';
import { plainFields } from './plain-fields.ts';

/** A logger that must be closed, so that the last lines reach the file. */
export interface ClosableLogger extends Logger {
  close(): Promise<void>;
}

interface FileSettings {
  readonly logDir: string;
  readonly programName: string;
  /** Keep the folder and its files away from other users. */
  readonly restrictLogDir?: boolean;
}

interface AgentLogSettings {
  readonly verbose: boolean;
  /** Where the log goes to the journal: whether records of deployments have fields there. */
  readonly journalFields: 'auto' | 'off';
}

/**
 * The agent's logger. It writes one JSON object a line to standard error, for the journal. It also writes `<log_dir>/<program_name>.log` in
 * the official agent's text format, for the people and collectors that know it. A folder that cannot be written is said once.
 */
export function createAgentLogger(settings: FileSettings & AgentLogSettings): ClosableLogger {
  const winston = createWinston({
    level: settings.verbose ? 'debug' : 'info',
    transports: [isJournal(process.env, 2) ? toJournal(settings) : jsonToStderr()],
  });
  const logger = wrap(winston);
  try {
    winston.add(dailyFile(settings));
  } catch (error) {
    logger.warn('the log file cannot be written; the log goes to standard error only', {
      logDir: settings.logDir,
      error,
    });
  }
  return logger;
}

/** A logger for commands that people run: to its file alone, or nowhere when that cannot be written. */
export function createFileLogger(settings: FileSettings): ClosableLogger {
  const winston = createWinston({ level: 'info', transports: [new transports.Stream({ stream: nowhere() })] });
  try {
    winston.add(dailyFile(settings));
  } catch {
    // Who may not write there is told what happens on the terminal.
  }
  return wrap(winston);
}

/** winston complains on standard error when it has no place to write to. */
function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** The server's logger: one JSON object a line on standard error. */
export function createServerLogger(): ClosableLogger {
  return wrap(createWinston({ level: 'info', transports: [jsonToStderr()] }));
}

type Transport = InstanceType<typeof transports.Stream>;

function jsonToStderr(): Transport {
  // Whoever read it may go away (a terminal, the program that started a daemon): no reason to end. The files have it all.
  if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => undefined);
  return new transports.Stream({
    stream: process.stderr,
    format: format.combine(format.timestamp(), format.json(), safely()),
  });
}

/** Last of the formats: what strangers wrote is escaped, which leaves JSON the same JSON. */
const safely = format((line) => {
  const text = line[MESSAGE];
  return { ...line, [MESSAGE]: typeof text === 'string' ? printable(text) : text };
});
const MESSAGE = Symbol.for('message');

function toJournal({
  programName,
  journalFields,
}: Pick<FileSettings & AgentLogSettings, 'programName' | 'journalFields'>) {
  if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => undefined);
  const journal = createJournal({
    identifier: programName,
    pid: process.pid,
    writeLine: (line) => void process.stderr.write(line),
  });
  return new transports.Stream({
    stream: new Writable({
      decodeStrings: false,
      write(line: string, _encoding, done) {
        const { level, ...fields } = JSON.parse(line) as { level: string };
        const record = { level, line: line.trimEnd(), fields: journalFields === 'off' ? {} : fields };
        journal.write(record);
        done();
      },
      final(done) {
        void journal.close().then(() => done());
      },
    }),
    format: format.combine(format.timestamp(), format.json(), safely()),
  });
}

/** @throws when the file cannot be opened; a disk that fills up later must not end the agent, and loses lines until there is room */
function dailyFile({ logDir, programName, restrictLogDir = false }: FileSettings): Transport {
  const file = openDailyFile({ folder: logDir, name: programName, isPrivate: restrictLogDir, now: Date.now });
  return new transports.Stream({
    stream: new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        file.append(text);
        done();
      },
      final(done) {
        file.close();
        done();
      },
    }),
    format: format.combine(
      format.timestamp(),
      format.printf(({ timestamp, level, message, ...fields }) => {
        const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
        return `${String(timestamp)} ${level.toUpperCase().padEnd(5)} [${programName}(${process.pid})]: ${String(message)}${rest}`;
      }),
      safely(),
    ),
  });
}

function wrap(winston: Winston): ClosableLogger {
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      winston.log({ ...plainFields(fields), level, message });
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    close: () =>
      new Promise((resolve) => {
        winston.once('finish', () => resolve());
        winston.end();
      }),
  };
}
