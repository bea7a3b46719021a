import type { CommonOptions } from '../options.ts';

/** What to type next. */
export function whereToLook({ prefix, runDir }: CommonOptions): string {
  const flags = `${prefix === 'nb' ? '' : ` --prefix ${prefix}`}${runDir === undefined ? '' : ` --run-dir ${runDir}`}`;
  const lines: [string, string][] = [
    [`nibox status${flags}`, 'network instances, apps, their addresses'],
    [`nibox demo shell app1${flags}`, 'a shell in an app: try `curl github.com`'],
    [`nibox logs ni1 -f${flags}`, "what ni1's manager does"],
    [`nibox flows ni1${flags}`, 'who talked to whom on ni1'],
    [`nibox demo check${flags}`, 'the checks'],
    [`nibox demo down${flags}`, 'remove it all'],
  ];
  const width = Math.max(...lines.map(([command]) => command.length));
  return `Where to look next (as root):\n${lines.map(([command, what]) => `  ${command.padEnd(width)}  ${what}\n`).join('')}`;
}
