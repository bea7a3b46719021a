const levels: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};

/** A line of JSON log as `time LEVEL message field=value …`; anything else as it is. */
export function formatLogLine(line: string): string {
  const entry = parse(line);
  if (!entry) return line;
  const { time, level, msg, pid: _pid, hostname: _hostname, ...fields } = entry;
  const when = typeof time === 'number' || typeof time === 'string' ? formatTime(time) : '-';
  const name = typeof level === 'number' ? (levels[level] ?? String(level)) : String(level ?? 'INFO').toUpperCase();
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${formatValue(value)}`);
  return [when, name.padEnd(5), typeof msg === 'string' ? msg : '', ...rest].filter(part => part !== '').join(' ');
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function formatTime(time: number | string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : date.toISOString();
}

function formatValue(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : (JSON.stringify(value) ?? '');
}
