// Structured logging. One JSON line per record on stdout; tests use silentLog.
import { pino } from 'pino';
import { writeLines } from './log-lines.ts';

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
  const to = target ?? (level === 'silent' ? undefined : standardOutput());
  const logger = to ? pino(options, to) : pino(options);
  return wrap(() => logger, logger.isLevelEnabled('debug'));
}

function standardOutput(): LogTarget {
  const lines = writeLines(1);
  process.once('exit', () => lines.flush());
  return lines;
}

/** Most reconciles have nothing to say: the logger of a child is made with its first record. */
function wrap(make: () => pino.Logger, hasDebug: boolean): Log {
  let made: pino.Logger | undefined;
  const logger = (): pino.Logger => {
    made ??= make();
    return made;
  };
  return {
    debug: (message, fields) => {
      if (hasDebug) logger().debug(fields ?? {}, message);
    },
    info: (message, fields) => logger().info(fields ?? {}, message),
    warn: (message, fields) => logger().warn(fields ?? {}, message),
    error: (message, fields) => logger().error(fields ?? {}, message),
    child: (fields) => wrap(() => logger().child(fields), hasDebug),
  };
}

export const silentLog: Log = createLog('silent');
