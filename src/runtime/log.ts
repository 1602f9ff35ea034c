// Structured logging. One JSON line per record on stdout; tests use silentLog.
import { pino } from 'pino';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose every record carries these fields too. */
  child(fields: LogFields): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

interface LogTarget {
  write(line: string): void;
}

export function createLog(level: LogLevel, target?: LogTarget): Log {
  const options = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // Fields with these names never reach a log, wherever they come from.
    redact: ['authorization', '*.authorization', 'password', '*.password', 'token', '*.token'],
    serializers: { error: pino.stdSerializers.err },
  };
  return wrap(target ? pino(options, target) : pino(options));
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}

export const silentLog: Log = createLog('silent');
