import { mkdirSync, statSync } from 'node:fs';

/** Makes a directory of the supervisor's. One that is there already must not be open to others: they could exchange what lies in it. */
export function ownDirectory(path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode });
  const found = statSync(path);
  if (found.uid === process.geteuid?.() && (found.mode & 0o022) === 0) return;
  const problem = `${path} belongs to uid ${found.uid} with mode ${(found.mode & 0o7777).toString(8)}`;
  throw new Error(
    `${problem}: others could exchange files in it; \`chown root ${path}; chmod go-w ${path}\`, or choose another`,
  );
}
